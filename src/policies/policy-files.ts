import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PolicyAudience, PolicyPurpose } from '../contract/consents.js';
import type { ConsentPurpose } from '../contract/events.js';
import { StartError } from '../platform/start-error.js';

/** A policy text as its file has it, with placeholders. */
export interface PolicyFile {
  audience: PolicyAudience;
  purpose: PolicyPurpose;
  version: number;
  locale: string;
  title: string;
  /** First day in force, as YYYY-MM-DD. */
  effective: string;
  /** Set if people who accepted an earlier version must accept this one before they go on. */
  requiresAcceptance: boolean;
  /** The words beside the checkbox of each purpose this policy covers. */
  checkboxes: Partial<Record<ConsentPurpose, string>>;
  /** Summary in a few plain lines. */
  summary: string[];
  /** Changes against the version before, in a few plain lines; of the first version none. */
  changes: string[];
  text: string;
  /** SHA-256 of the whole file. */
  sha256: Buffer;
  /** The whole file. */
  source: string;
}

/** The texts without which nobody could register or join, and the locale that others are translations of. */
export const referenceLocale = 'it';
const needed: [PolicyAudience, PolicyPurpose][] = [
  ['subscriber', 'terms'],
  ['subscriber', 'privacy'],
  ['interlocutor', 'privacy'],
];

/**
 * Reads `<audience>/<purpose>/<version>.<locale>.md` below a folder.
 * @throws StartError naming the file that cannot be used
 */
export async function readPolicyFiles(folder: string): Promise<PolicyFile[]> {
  const files: PolicyFile[] = [];
  for (const [audience, purpose] of needed) {
    const place = join(folder, audience, purpose);
    const names = await readdir(place).catch(() => {
      throw new StartError(
        `The policy texts are missing: ${place} cannot be read; set POLICIES_DIR to the folder that holds them.`,
      );
    });
    for (const name of names.filter((each) => each.endsWith('.md'))) {
      files.push(parsePolicy(join(place, name), { audience, purpose }, await readFile(join(place, name))));
    }
    for (const version of new Set(
      files.filter((file) => file.audience === audience && file.purpose === purpose).map((file) => file.version),
    )) {
      if (!names.includes(`${version}.${referenceLocale}.md`)) {
        throw new StartError(
          `${join(place, `${version}.${referenceLocale}.md`)} is missing: every version needs its text in ${referenceLocale}.`,
        );
      }
    }
    if (!files.some((file) => file.audience === audience && file.purpose === purpose)) {
      throw new StartError(`${place} holds no policy text: put back 1.${referenceLocale}.md.`);
    }
  }
  return files;
}

/**
 * Reads a policy text with its properties.
 * @param path ends in the version and the language, such as `2.it.md`
 * @throws StartError naming the file that cannot be used
 */
export function parsePolicy(
  path: string,
  { audience, purpose }: { audience: PolicyAudience; purpose: PolicyPurpose },
  bytes: Buffer,
): PolicyFile {
  const refuse = (why: string) => new StartError(`The policy text ${path} cannot be used: ${why}.`);
  const [, version, locale] = /^(\d+)\.([a-z]{2})\.md$/.exec(basename(path)) ?? [];
  if (!version || !locale) throw refuse('its name is not like 2.it.md');
  const [, head, text] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n([\s\S]*)$/.exec(bytes.toString('utf8')) ?? [];
  if (head === undefined || text === undefined)
    throw refuse('it does not begin with its properties between lines of ---');
  const properties = new Map(
    head.split(/\r?\n/).map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const property = (key: string) => properties.get(key) || undefined;
  const { title, effective } = { title: property('title'), effective: property('effective') };
  if (!title) throw refuse('it has no title');
  if (!effective || !isDay(effective)) throw refuse('effective is not a day such as 2026-11-01');
  const checkboxes = Object.fromEntries(
    (['terms', 'privacy', 'promotions'] as const).flatMap((each) => {
      const words = property(`checkbox.${each}`);
      return words ? [[each, words]] : [];
    }),
  ) as PolicyFile['checkboxes'];
  for (const each of audience === 'interlocutor' ? [purpose, 'promotions' as const] : [purpose]) {
    if (!checkboxes[each]) throw refuse(`checkbox.${each} is missing`);
  }
  const lines = (key: string) =>
    property(key)
      ?.split('|')
      .map((point) => point.trim())
      .filter(Boolean) ?? [];
  // They are told in one mail and one banner to people who talk with several businesses.
  if (lines('changes').some((line) => line.includes('{{'))) throw refuse('changes names a value in braces');
  return {
    audience,
    purpose,
    version: Number(version),
    locale,
    title,
    effective,
    requiresAcceptance: property('requiresAcceptance') !== 'false',
    checkboxes,
    summary: lines('summary'),
    changes: lines('changes'),
    text: text.trim(),
    sha256: createHash('sha256').update(bytes).digest(),
    source: bytes.toString('utf8'),
  };
}

function isDay(text: string): boolean {
  const time = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}
