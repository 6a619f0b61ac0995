/** Kind of mail, as a slice defines it. Its text is in `mails/`, in Italian and English, under the same name. */
export interface MailKind {
  name: string;
  /** Mails sent by the hundred are `bulk`, because a password reset must not wait behind them. */
  priority: 'urgent' | 'bulk';
}

/** Every kind of mail that a slice defines; the boot fails for one without a text, and for a text without a kind. */
export const mailKinds = new Map<string, MailKind>();

/** @throws Error for a name that is taken */
export function defineMail(name: string, { priority = 'urgent' }: Partial<Omit<MailKind, 'name'>> = {}): MailKind {
  if (mailKinds.has(name)) throw new Error(`two mails are called ${name}`);
  const kind = { name, priority };
  mailKinds.set(name, kind);
  return kind;
}
