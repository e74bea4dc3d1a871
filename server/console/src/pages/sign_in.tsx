// What is shown without a key, and nothing else.
import { useState } from "preact/hooks";
import { refused, signIn } from "../lib/api";
import { copy } from "../parts/clipboard";

const COMMAND = "augstore key create --role read";

export function SignInPage() {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    await signIn(key.trim());
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <h1>augstore</h1>
      <form onSubmit={(event) => void submit(event)}>
        <div class="field wide">
          <label for="key">Key</label>
          <input
            id="key"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={key}
            aria-describedby="key-hint"
            aria-invalid={refused.value !== ""}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
          <small id="key-hint" class="hint">
            It begins with augs_ and stays in this tab until the tab is closed.
          </small>
        </div>
        {refused.value !== "" && (
          <p class="failure" role="alert">
            The key was not taken: {refused.value}
          </p>
        )}
        <button class="button primary" disabled={key.trim() === "" || busy}>
          {busy ? "Asking the server …" : "Sign in"}
        </button>
      </form>
      <h2>You have no key?</h2>
      <p>Whoever runs the server makes one, which is printed once:</p>
      <div class="command">
        <code>{COMMAND}</code>
        <button class="button small" onClick={() => void copy(COMMAND, "Command")}>
          Copy
        </button>
      </div>
      <p class="note">A key of role read sees everything that its scope allows and changes nothing. Keys of role admin also see the page Admin.</p>
    </main>
  );
}
