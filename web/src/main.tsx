import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Api } from "./api";
import { Chat } from "./chat";
import { speak } from "./i18n";
import { keepSession, takeTrouble } from "./session";
import { App } from "./ui/App";
import { ChatContext } from "./ui/context";
import { setTheme, theme } from "./ui/theme";
import "./styles/page.css";

const user = new URLSearchParams(location.search).get("user");
const chat = new Chat(new Api(location.origin, user));
const root = document.getElementById("root");

if (root) {
  takeTrouble();
  keepSession(chat.api);
  void speak(localStorage.getItem("colloquy.language") ?? navigator.language);
  setTheme(theme());
  chat.start();
  createRoot(root).render(
    <StrictMode>
      <ChatContext value={chat}>
        <App />
      </ChatContext>
    </StrictMode>,
  );
}
