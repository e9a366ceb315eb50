// Light, dark, or as the system has it.

export function theme(): string {
  return localStorage.getItem("colloquy.theme") ?? "system";
}

export function setTheme(look: string): void {
  if (look === "system") {
    localStorage.removeItem("colloquy.theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("colloquy.theme", look);
    document.documentElement.dataset.theme = look;
  }
}
