/**
 * Reason for which a mail is sent. When the last session of an account has ended, only `security`, `rights` and `policy` still
 * reach it; `activity` does not. An `invitation` goes to people without an account.
 */
export const mailPurposes = ['security', 'rights', 'policy', 'invitation', 'activity'] as const;
export type MailPurpose = (typeof mailPurposes)[number];

/** Kind of mail, as a slice defines it. Its text is in `mails/`, in Italian and English, under the same name. */
export interface MailKind {
  name: string;
  purpose: MailPurpose;
  /** Mails sent by the hundred are `bulk`, because a password reset must not wait behind them. */
  priority: 'urgent' | 'bulk';
}

/** Every kind of mail that a slice defines; the boot fails for one without a text, and for a text without a kind. */
export const mailKinds = new Map<string, MailKind>();

/** @throws Error for a name that is taken */
export function defineMail(
  name: string,
  purpose: MailPurpose,
  { priority = 'urgent' }: Partial<Pick<MailKind, 'priority'>> = {},
): MailKind {
  if (mailKinds.has(name)) throw new Error(`two mails are called ${name}`);
  const kind = { name, purpose, priority };
  mailKinds.set(name, kind);
  return kind;
}
