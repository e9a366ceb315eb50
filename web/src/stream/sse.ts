// Server-sent events as they arrive: pieces of text in, whole events out. Comments only say that the line is alive.

export interface ServerEvent {
  id: string;
  name: string;
  data: string;
}

/** Takes text in any pieces and gives back the events that are whole by then, and the wait that `retry:` asked for. */
export class SseParser {
  private rest = "";
  private id = "";
  private name = "";
  private data: string[] = [];
  retry: number | undefined;

  push(text: string): ServerEvent[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      const event = this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event) events.push(event);
    }
    return events;
  }

  private line(line: string): ServerEvent | undefined {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return undefined;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "id") this.id = value;
    else if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return undefined;
  }

  private dispatch(): ServerEvent | undefined {
    const event = { id: this.id, name: this.name, data: this.data.join("\n") };
    this.id = "";
    this.name = "";
    this.data = [];
    return event.name ? event : undefined;
  }
}
