// Colours for code: loaded when the first block wants them.

import { common, createLowlight } from "lowlight";

const lowlight = createLowlight(common);

export function colour(code: string, language: string) {
  return lowlight.registered(language) ? lowlight.highlight(language, code) : undefined;
}
