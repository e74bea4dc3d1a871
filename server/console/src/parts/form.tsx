// Fields with their labels, and the panel that asks before anything is changed.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../lib/api";
import { CopyButtons, Failure, type Ways } from "./basics";

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string;
  type?: "text" | "number" | "search";
  wide?: boolean;
  search?: boolean;
}

export function Field({ label, value, onInput, hint, type = "text", wide, search }: FieldProps) {
  const id = useId();
  return (
    <div class={wide ? "field wide" : "field"}>
      <label for={id}>{label}</label>
      <input
        id={id}
        type={type as "text"} // Preact types each kind of input apart
        value={value}
        spellcheck={false}
        autocomplete="off"
        data-search={search ? "" : undefined}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: { value: string; label: string }[];
  onChange: (value: string) => void;
  hint?: string;
}

export function Select({ label, value, options, onChange, hint }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

export function Check({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  const id = useId();
  return (
    <div class="check">
      <input id={id} type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <label for={id}>{label}</label>
    </div>
  );
}

interface ConfirmProps extends Ways {
  title: string;
  button: string;
  danger?: boolean;
  children: ComponentChildren;
  run: () => Promise<void>;
  close: () => void;
}

// Says what will be done to what before it is done.
export function Confirm({ title, button, danger, children, run, close, cli, python }: ConfirmProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await run();
      dialog.current?.close();
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError("Internal", String(failure), 500));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={id} onClose={close}>
      <h2 id={id}>{title}</h2>
      <div class="dialog-body">{children}</div>
      {error && <Failure error={error} />}
      <div class="actions">
        <button class={danger ? "button danger" : "button primary"} disabled={busy} onClick={() => void confirm()}>
          {busy ? "Working …" : button}
        </button>
        <button class="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <span class="spread" />
        <CopyButtons cli={cli} python={python} link={false} />
      </div>
    </dialog>
  );
}
