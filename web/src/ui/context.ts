// What every part of the page works with.

import { createContext, useContext } from "react";
import type { Chat, View } from "../chat";
import type { State } from "../state/model";
import { useStore } from "../store";

export const ChatContext = createContext<Chat | null>(null);

export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error("outside of the page");
  return chat;
}

export function useFeed<S>(select: (state: State) => S): S {
  return useStore(useChat().feed, select);
}

export function useView<S>(select: (view: View) => S): S {
  return useStore(useChat().view, select);
}
