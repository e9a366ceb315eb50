// What an empty conversation says.

import { t } from "../i18n";
import { useFeed, useView } from "./context";
import { Icon } from "./icons";

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
    </section>
  );
}
