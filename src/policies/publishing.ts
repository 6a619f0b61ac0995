import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { PolicyAudience, PolicyPurpose } from '../contract/consents.js';
import { locales } from '../contract/common.js';
import { limits } from '../contract/limits.js';
import { dayMilliseconds } from '../platform/durations.js';
import { StartError } from '../platform/start-error.js';
import { Policy, PolicyPublication } from './policy.entity.js';
import type { PolicyFile } from './policy-files.js';

/** Wish of the host to publish a version. */
export interface PublicationWanted {
  audience: PolicyAudience;
  purpose: PolicyPurpose;
  /** The newest of the folder if undefined. */
  version: number | undefined;
  /** A day such as 2027-01-15, or `now`; the day that the texts state if undefined. */
  effective: string | undefined;
  /** As the texts state if undefined. */
  requiresAcceptance: boolean | undefined;
}

/** A version that can be published, or is. */
export interface PlannedPublication {
  audience: PolicyAudience;
  purpose: PolicyPurpose;
  version: number;
  /** The previous version; 0 if there is none. */
  before: number;
  effectiveAt: Date;
  requiresAcceptance: boolean;
  texts: PolicyFile[];
  /** Set if exactly this was published before. */
  isRepeated: boolean;
}

/** Publications and starts change what is published one at a time. */
export async function lockPolicies(manager: EntityManager): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtext('policy_publication'))`);
}

/**
 * Publishes all versions of the folder of policies of which none was ever published, for the days that they state.
 * @throws StartError for a policy of which no version holds yet, because people would join without accepting any
 */
export async function firstPublications(manager: EntityManager, files: readonly PolicyFile[]): Promise<void> {
  const known = await manager.find(PolicyPublication);
  const isKnown = ({ audience, purpose }: PolicyFile) =>
    known.some((each) => each.audience === audience && each.purpose === purpose);
  const fresh = files.filter((file) => !isKnown(file));
  for (const { audience, purpose } of fresh) {
    const days = fresh.filter((file) => file.audience === audience && file.purpose === purpose);
    const first = days.map(({ effective }) => effective).sort()[0]!;
    if (beginOf(first) > new Date())
      throw new StartError(
        `The first version of ${audience}/${purpose} holds from ${first} (UTC): state today or an earlier day as effective, ` +
          'because nobody can join before a version holds.',
      );
  }
  const versions = new Map(fresh.map((file) => [`${file.audience} ${file.purpose} ${file.version}`, file] as const));
  for (const { audience, purpose, version, effective, requiresAcceptance } of versions.values()) {
    const effectiveAt = beginOf(effective);
    const now = new Date();
    const publication = {
      audience,
      purpose,
      version,
      effectiveAt,
      requiresAcceptance,
      publishedAt: now,
      toldAt: now,
      loggedAt: now,
    };
    await manager.insert(PolicyPublication, { id: uuid(), ...publication, toldAfter: null });
  }
  await insertTexts(manager, fresh);
}

export async function insertTexts(manager: EntityManager, files: readonly PolicyFile[]): Promise<void> {
  for (const file of files) {
    const { audience, purpose, version, locale, effective, requiresAcceptance, sha256: sourceSha256, source } = file;
    const text = { audience, purpose, version, locale, effective, requiresAcceptance, sourceSha256, source };
    await manager.insert(Policy, { id: uuid(), ...text });
  }
}

/**
 * Checks that a version can be published as the host wants it.
 * @throws StartError that says what to do
 */
export async function planPublication(
  manager: EntityManager,
  files: readonly PolicyFile[],
  wanted: PublicationWanted,
  now = new Date(),
): Promise<PlannedPublication> {
  const { audience, purpose } = wanted;
  const name = `${audience}/${purpose}`;
  const isOf = (each: { audience: string; purpose: string }) => each.audience === audience && each.purpose === purpose;
  const published = (await manager.find(PolicyPublication, { order: { version: 'ASC' } })).filter(isOf);
  const latest = published.at(-1);
  if (!latest)
    throw new StartError(`Nothing of ${name} is in force yet: start the service once, which publishes what is there.`);
  const ofKind = files.filter(isOf);
  const version = wanted.version ?? Math.max(...ofKind.map((file) => file.version));
  if (version < latest.version)
    throw new StartError(
      `Version ${version} of ${name} is older than version ${latest.version}, which is published: write version ${latest.version + 1}.`,
    );
  const texts = ofKind.filter((file) => file.version === version);
  if (texts.length === 0)
    throw new StartError(`There is no version ${version} of ${name}: write ${name}/${version}.it.md.`);
  const isKnown = version === latest.version;
  if (!isKnown) await requireEveryLocale(manager, { name, texts, before: latest });
  const requiresAcceptance =
    wanted.requiresAcceptance ?? agreed(name, texts, (text) => text.requiresAcceptance, 'requiresAcceptance');
  const effective = wanted.effective ?? agreed(name, texts, (text) => text.effective, 'effective');
  const plan = { audience, purpose, version, before: latest.version, requiresAcceptance, texts };
  if (isKnown) {
    requireSame(name, latest, wanted);
    const { effectiveAt } = latest;
    return { ...plan, effectiveAt, requiresAcceptance: latest.requiresAcceptance, isRepeated: true };
  }
  const effectiveAt = timeOf(effective, now);
  if (effectiveAt <= latest.effectiveAt)
    throw new StartError(
      `Version ${latest.version} of ${name} takes effect on ${dayOf(latest.effectiveAt)}: version ${version} must follow it.`,
    );
  return { ...plan, effectiveAt, isRepeated: false };
}

/** Publishes a planned version, in a transaction that holds {@link lockPolicies}; one that is published already stays as it is. */
export async function publish(manager: EntityManager, plan: PlannedPublication, now = new Date()): Promise<void> {
  const { audience, purpose, version, effectiveAt, requiresAcceptance, texts, isRepeated } = plan;
  if (isRepeated) return;
  await manager.insert(PolicyPublication, {
    id: uuid(),
    audience,
    purpose,
    version,
    effectiveAt,
    requiresAcceptance,
    publishedAt: now,
    toldAfter: null,
    toldAt: null,
    loggedAt: null,
  });
  await insertTexts(manager, texts);
}

async function requireEveryLocale(
  manager: EntityManager,
  { name, texts, before }: { name: string; texts: PolicyFile[]; before: PolicyPublication },
): Promise<void> {
  const { audience, purpose, version } = before;
  const earlier = await manager.findBy(Policy, { audience, purpose, version });
  const needed = new Set([...locales, ...earlier.map(({ locale }) => locale)]);
  const [{ version: number }] = texts as [PolicyFile];
  const missing = [...needed].filter((locale) => !texts.some((text) => text.locale === locale));
  if (missing.length > 0)
    throw new StartError(
      `Version ${number} of ${name} is not there in every language: write ${missing.map((each) => `${number}.${each}.md`).join(' and ')}.`,
    );
  const silent = texts.filter(({ changes }) => changes.length === 0).map(({ locale }) => `${number}.${locale}.md`);
  if (silent.length > 0)
    throw new StartError(
      `${silent.join(' and ')} of ${name} must say what is new, in a line such as "changes: One change. | Another one."`,
    );
}

function requireSame(name: string, latest: PolicyPublication, wanted: PublicationWanted): void {
  const acceptance = wanted.requiresAcceptance ?? latest.requiresAcceptance;
  const day = wanted.effective ?? dayOf(latest.effectiveAt);
  if (acceptance === latest.requiresAcceptance && (day === dayOf(latest.effectiveAt) || day === 'now')) return;
  throw new StartError(
    `Version ${latest.version} of ${name} is published already, for ${dayOf(latest.effectiveAt)}, ` +
      `${latest.requiresAcceptance ? 'to be accepted' : 'as a notice'}, and people have been told so: write version ${latest.version + 1}.`,
  );
}

function agreed<Value>(name: string, texts: PolicyFile[], of: (text: PolicyFile) => Value, property: string): Value {
  const [first] = texts as [PolicyFile];
  if (texts.every((text) => of(text) === of(first))) return of(first);
  throw new StartError(`The texts of version ${first.version} of ${name} state ${property} differently.`);
}

function timeOf(effective: string, now: Date): Date {
  if (effective === 'now') return new Date(now.getTime() + limits.policySettlingSeconds * 1000);
  const time = beginOf(effective);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(effective) || Number.isNaN(time.getTime()) || dayOf(time) !== effective)
    throw new StartError(`${effective} is no day such as ${dayOf(after(now, limits.policyNoticeDays))}, nor "now".`);
  if (time < after(now, limits.policyNoticeDays))
    throw new StartError(
      `${effective} is too early: people are told ${limits.policyNoticeDays} days before, so the first day is ` +
        `${dayOf(after(now, limits.policyNoticeDays + 1))}. What cannot wait holds with --effective now.`,
    );
  if (time > after(now, limits.policyNoticeDaysMax))
    throw new StartError(`${effective} is more than ${limits.policyNoticeDaysMax} days ahead.`);
  return time;
}

const beginOf = (day: string) => new Date(`${day}T00:00:00Z`);
const after = (now: Date, days: number) => new Date(now.getTime() + days * dayMilliseconds);
export const dayOf = (time: Date) => time.toISOString().slice(0, 10);
