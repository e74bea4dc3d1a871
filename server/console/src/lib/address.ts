// The address that commands to copy name. Stats have it, but not those of a key with a scope.
import { signal } from "@preact/signals";
import { call, session } from "./api";
import { bestAddress } from "./commands";
import type { Stats } from "./types";

export const address = signal("");

let asked = "";
export async function learnAddress(): Promise<void> {
  const store = session.value?.store_id ?? "";
  if (asked === store) return;
  asked = store;
  try {
    address.value = bestAddress((await call<Stats>("Stats")).address ?? "");
  } catch {
    asked = ""; // commands then read AUGSTORE_CONNECT
  }
}
