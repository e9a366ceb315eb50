// The few controls that everything is made of.

import { useEffect, useRef, type ComponentProps, type ReactNode } from "react";
import { t } from "../i18n";
import { Icon, type IconName } from "./icons";

type ButtonProps = Omit<ComponentProps<"button">, "aria-label"> & { icon: IconName; label: string; size?: number };

/** A button that shows an icon and is called by its label. */
export function IconButton({ icon, label, size, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} {...(size !== undefined && { size })} />
    </button>
  );
}

/** A dialog in front of everything; Escape and a click beside it close it. */
export function Dialog({ title, onClose, children, wide = false }: { title: string; onClose: () => void; children: ReactNode; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    // The first thing to write in, rather than the button that closes it.
    dialog.current?.querySelector<HTMLElement>("input, textarea, footer button")?.focus();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={wide ? "dialog wide" : "dialog"}
      aria-label={title}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="dialog-body">
        <header>
          <h2>{title}</h2>
          <IconButton icon="close" label={t("close")} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
