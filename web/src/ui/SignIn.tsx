// Who are you? By the provider that is configured, or with a token.

import { useEffect, useState, type FormEvent } from "react";
import { t } from "../i18n";
import { beginOidc, config, finishOidc, returning, signIn, type Config } from "../session";
import { useChat } from "./context";

export default function SignIn() {
  const chat = useChat();
  const [offered, setOffered] = useState<Config | null>(null);
  const [token, setToken] = useState("");
  const [trouble, setTrouble] = useState("");
  const report = (error: unknown) => setTrouble(t("signInFailed", { message: error instanceof Error ? error.message : "" }));
  useEffect(() => {
    void config(chat.api).then((found) => {
      setOffered(found);
      if (found.oidc && returning()) finishOidc(chat.api, found.oidc).catch(report);
    }, report);
  }, [chat]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTrouble("");
    signIn(chat.api, token).catch(report);
  };
  return (
    <section className="sign-in" aria-label={t("signIn")}>
      <h2>{t("signIn")}</h2>
      {offered?.oidc && (
        <button type="button" className="button primary" onClick={() => offered.oidc && void beginOidc(offered.oidc).catch(report)}>
          {t("signInWith", { provider: new URL(offered.oidc.issuer).hostname })}
        </button>
      )}
      <form className="form" onSubmit={submit}>
        <label>
          {t("token")}
          <textarea className="field" rows={4} required spellCheck={false} autoComplete="off" value={token} onChange={(event) => setToken(event.target.value)} />
        </label>
        <p className="hint">{t("tokenNote")}</p>
        <button type="submit" className="button" disabled={!token.trim()}>
          {t("signIn")}
        </button>
      </form>
      {trouble && (
        <p className="trouble" role="alert">
          {trouble}
        </p>
      )}
    </section>
  );
}
