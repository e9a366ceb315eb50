// Everything by keyboard: the list of it.

import { t, type Word } from "../i18n";
import { Dialog } from "./controls";
import { KEYS } from "./keys";

export default function Shortcuts({ onClose }: { onClose: () => void }) {
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const rows: [string, Word][] = [["Enter", "send"], ["Shift+Enter", "newLine"], ...KEYS.map(([keys, , word]) => [keys, word] as [string, Word])];
  return (
    <Dialog title={t("shortcuts")} onClose={onClose}>
      <dl className="shortcuts">
        {rows.map(([keys, word]) => (
          <div key={keys}>
            <dt>{t(word)}</dt>
            <dd>
              {keys.split("+").map((key) => (
                <kbd key={key}>{mac && key === "Ctrl" ? "⌘" : key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
