import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import mustache from 'mustache';
import { type Config, CONFIG } from '../config.js';
import { shortened } from '../validation/text.js';
import { htmlLayout, type MailText, textLayout } from './layout.js';

export const mailLocales = ['it', 'en'] as const;
type MailLocale = (typeof mailLocales)[number];

/** Content and addressee of a mail. */
export interface MailDraft {
  to: string;
  /** Italian for `it`, English for every other. */
  locale: string;
  template: string;
  /**
   * Fill the template's placeholders. `stopUrl` is where one says that no more mails are welcome, `oneClickStopUrl` the
   * https address that takes it as a POST.
   */
  values: Record<string, string>;
}

export interface ComposedMail {
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  /** Target of the button. */
  link: string;
}

/** A template after reading: Mustache texts, laid out already. */
interface Template {
  subject: string;
  text: string;
  html: string;
  /** Name of the value that is the button's link. */
  link: string;
}

const subjectLength = 150;

/**
 * The templates of the folder `mails`, read once. They are written in a little Markdown (a heading, paragraphs, bold words, facts after `>`,
 * `[button]`) below a head that names the subject, the preheader, the button and its link, and why one gets this mail.
 * Values are put in after the Markdown has become text and HTML, so that nothing of them is taken for Markdown.
 */
@Injectable()
export class MailTemplates {
  /** Names of the mails that have a text, in Italian and English. */
  readonly names = templateNames();
  private readonly templates = new Map<string, Template>();
  private readonly host: string;
  private readonly controller: string;

  /** @throws Error for a template that is missing in a language, or does not say what it has to */
  constructor(@Inject(CONFIG) { publicUrl, controller }: Pick<Config, 'publicUrl' | 'controller'>) {
    this.host = publicUrl.host;
    this.controller = controller.name;
    for (const name of this.names) {
      for (const locale of mailLocales) {
        const source = readTemplate(name, locale);
        const { subject, link } = source;
        this.templates.set(`${name}.${locale}`, {
          subject,
          link,
          text: textLayout(source),
          html: htmlLayout(source),
        });
      }
    }
  }

  compose({ template, locale, values }: MailDraft): ComposedMail {
    const { subject, text, html, link } = this.templates.get(`${template}.${locale === 'it' ? 'it' : 'en'}`)!;
    const view = oneLineEach({ ...values, host: this.host, controller: this.controller });
    const render = (source: string, escape: (value: string) => string) => mustache.render(source, view, {}, { escape });
    return {
      subject: shortened(render(subject, String), subjectLength),
      text: render(text, String).replace(/\n{3,}/g, '\n\n'),
      html: render(html, asHtml),
      headers: unsubscribing(view),
      link: view[link] ?? '',
    };
  }
}

/** Headers by which a mail program offers to end the mails (RFC 2369), over https in one click (RFC 8058). */
function unsubscribing({ stopUrl, oneClickStopUrl }: Record<string, string>): Record<string, string> {
  if (oneClickStopUrl?.startsWith('https:')) {
    return { 'List-Unsubscribe': `<${oneClickStopUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
  }
  return stopUrl ? { 'List-Unsubscribe': `<${stopUrl}>` } : {};
}

function readTemplate(name: string, locale: MailLocale): MailText {
  const path = join(folder(), `${name}.${locale}.md`);
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(readFileSync(path, 'utf8')) ?? [];
  const field = (wanted: string) => new RegExp(`^${wanted}: (.+)$`, 'm').exec(head)?.[1]?.trim();
  const [subject, preheader, button, link, reason] = ['subject', 'preheader', 'button', 'link', 'reason'].map(field);
  if (!subject || !preheader || !button || !link || !reason || !body.includes('\n[button]\n')) {
    throw new Error(`the mail template ${path} lacks a subject, a preheader, a button with its link, or a reason`);
  }
  const blocks = body.trim().split(/\n\n+/);
  return { locale, subject, preheader, button, link, reason, stop: field('stop'), blocks };
}

function templateNames(): string[] {
  return [...new Set(readdirSync(folder()).map((file) => file.split('.')[0]!))].sort();
}

/** Beside `src` when the tests run it as it is, one folder further from what was built. */
function folder(): string {
  const folders = ['../../../mails', '../../../../mails'].map((path) => join(import.meta.dirname, path));
  return folders.find((path) => existsSync(path)) ?? folders.at(-1)!;
}

/** A line break in a value could end a header, or begin what looks like a paragraph of ours. */
function oneLineEach(values: Record<string, string>): Record<string, string> {
  const oneLine = (value: string) => value.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, oneLine(value)]));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const asHtml = (value: string) => value.replace(/[&<>"']/g, (character) => entities[character]!);
