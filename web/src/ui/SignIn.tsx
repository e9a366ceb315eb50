// Who are you? By the provider that is configured, or with a token. When a session has ended it stands above what is open.

import { useEffect, useState, type FormEvent } from "react";
import { t, type Word } from "../i18n";
import { config, signIn, signInWithProvider, troubleOnArrival, type Config } from "../session";
import { useChat } from "./context";
import { Icon } from "./icons";

const TROUBLES: readonly string[] = ["sign_in_expired", "sign_in_denied", "sign_in_failed", "provider_unavailable"] satisfies Word[];

export default function SignIn({ ended }: { ended: boolean }) {
  const chat = useChat();
  const [offered, setOffered] = useState<Config | null>(null);
  const [trouble, setTrouble] = useState(arrivedWith);
  const report = (error: unknown) => setTrouble(t("signInFailed", { message: error instanceof Error ? error.message : "" }));
  useEffect(() => void config(chat.api).then(setOffered, report), [chat]);
  const form = <TokenForm onTrouble={report} onTry={() => setTrouble("")} />;
  return (
    <section className={ended ? "sign-in ended" : "sign-in"} aria-label={t("signIn")}>
      {!ended && (
        <span className="welcome-mark" aria-hidden="true">
          <Icon name="user" size={26} />
        </span>
      )}
      <h2>{t(ended ? "sessionEnded" : "signIn")}</h2>
      <p className="soft">{t(ended ? "sessionEndedNote" : "signInNote")}</p>
      {trouble && (
        <p className="trouble" role="alert">
          {trouble}
        </p>
      )}
      {offered?.oidc && (
        <button type="button" className="button primary" onClick={signInWithProvider} disabled={!isSecureContext}>
          {ended ? t("signInAgain") : t("signInWith", { provider: new URL(offered.oidc.issuer).hostname })}
        </button>
      )}
      {offered?.oidc && !isSecureContext && <p className="hint">{t("signInNeedsHttps")}</p>}
      {offered?.oidc && !ended && (
        <details>
          <summary>{t("useToken")}</summary>
          {form}
        </details>
      )}
      {offered && !offered.oidc && form}
    </section>
  );
}

function TokenForm({ onTrouble, onTry }: { onTrouble: (error: unknown) => void; onTry: () => void }) {
  const chat = useChat();
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onTry();
    signIn(chat.api, token).catch(onTrouble);
  };
  return (
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
  );
}

/** A sentence for what the server has told in our address. */
function arrivedWith(): string {
  const code = troubleOnArrival();
  return code && TROUBLES.includes(code) ? t(code as Word) : "";
}
