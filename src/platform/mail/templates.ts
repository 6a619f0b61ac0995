import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import mustache from 'mustache';
import type { MailDraft } from './outbox.js';

/** The mails there are: each is a text in `mails/`, in Italian and English. */
export const mailTemplates = ['invitation'] as const;
export type MailTemplate = (typeof mailTemplates)[number];

export interface ComposedMail {
  subject: string;
  text: string;
  html: string;
  headers?: Record<string, string>;
}

const folder = join(import.meta.dirname, '../../../../mails');

/** Fills a template; the same source gives the text and the HTML. */
export function composeMail({ template, locale, values }: MailDraft): ComposedMail {
  const source = readFileSync(join(folder, `${template}.${locale === 'it' ? 'it' : 'en'}.md`), 'utf8');
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(source) ?? [];
  const subject = mustache.render(/^subject: (.*)$/m.exec(head)?.[1] ?? '', values, {}, { escape: String });
  const text = mustache.render(body.trim(), values, {}, { escape: String });
  return { subject, text, html: `<pre>${mustache.escape(text)}</pre>` };
}
