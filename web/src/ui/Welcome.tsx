// What an empty conversation says.

import { useAui } from "@assistant-ui/react";
import { t, type Word } from "../i18n";
import { useFeed, useView } from "./context";
import { Icon, type IconName } from "./icons";

const SUGGESTIONS: [IconName, Word][] = [
  ["task", "suggestTask"],
  ["plane", "suggestFlights"],
  ["note", "suggestNote"],
  ["wave", "suggestHelp"],
];

export function Welcome() {
  const temporary = useView((view) => view.temporary);
  const wanted = useView((view) => view.persona);
  const persona = useFeed((state) => (wanted ? state.personas[wanted] : undefined));
  return (
    <section className="welcome">
      <span className="welcome-mark" aria-hidden="true">
        <Icon name={temporary ? "ghost" : "wave"} size={28} />
      </span>
      <h2>{persona?.greeting || t("emptyTitle")}</h2>
      <p>{temporary ? t("temporaryNote") : t("emptyNote")}</p>
      <Suggestions />
    </section>
  );
}

/** Something to begin with: it is put into the message, to be changed or sent. */
function Suggestions() {
  const aui = useAui();
  const write = (text: string) => {
    aui.composer().setText(text);
    document.getElementById("composer")?.focus();
  };
  return (
    <ul className="suggestions" aria-label={t("suggestions")}>
      {SUGGESTIONS.map(([icon, word]) => (
        <li key={word}>
          <button type="button" className="suggestion" onClick={() => write(t(word))}>
            <Icon name={icon} size={16} /> {t(word)}
          </button>
        </li>
      ))}
    </ul>
  );
}
