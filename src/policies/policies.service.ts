import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import mustache from 'mustache';
import { type EntityManager, IsNull, type Repository } from 'typeorm';
import { policyAudiences, type PolicyAudience, type PolicyPurpose, policyPurposes } from '../contract/consents.js';
import type { ConsentPurpose } from '../contract/events.js';
import { type Config, CONFIG } from '../platform/config.js';
import { Log } from '../platform/log.js';
import { StartError } from '../platform/start-error.js';
import { Policy, PolicyPublication } from './policy.entity.js';
import { parsePolicy, type PolicyFile, readPolicyFiles, referenceLocale } from './policy-files.js';
import { firstPublications, insertTexts, lockPolicies } from './publishing.js';

/** A published text, with what its publication says. */
export interface PolicyDocument extends PolicyFile {
  id: string;
  publicationId: string;
  effectiveAt: Date;
}

/** A policy as a person reads it: with the controller's identity, and the hash of exactly this text. */
export interface ShownPolicy {
  document: PolicyDocument;
  title: string;
  summary: string[];
  text: string;
  /** SHA-256 of `text` in UTF-8. */
  sha256: Buffer;
  checkboxes: Partial<Record<ConsentPurpose, string>>;
}

/** Values of the placeholders of a text. */
export type PolicyIdentity = Record<string, string | number | undefined>;

/** Well below the time between a publication for at once and its effect, so that every node knows it by then. */
const refreshMilliseconds = 20_000;

/** The published policy texts: of the first start all that the folder holds, and later those that the host publishes. */
@Injectable()
export class Policies implements OnModuleInit, OnModuleDestroy {
  private documents: PolicyDocument[] = [];
  private loaded = '';
  private refresher: NodeJS.Timeout | undefined;

  constructor(
    @InjectRepository(Policy) private readonly policies: Repository<Policy>,
    @InjectRepository(PolicyPublication) private readonly publications: Repository<PolicyPublication>,
    @Inject(CONFIG) private readonly config: Config,
    private readonly log: Log,
  ) {}

  /** @throws StartError when a text was changed after it had been published */
  async onModuleInit(): Promise<void> {
    const files = await readPolicyFiles(this.config.policiesDir);
    await this.policies.manager.transaction(async (manager) => {
      await lockPolicies(manager);
      await firstPublications(manager, files);
      await this.addMissing(manager, files);
    });
    await this.refresh();
    this.refresher = setInterval(() => void this.log.attempt(() => this.refresh()), refreshMilliseconds);
    this.refresher.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.refresher);
  }

  /** Loads policies published meanwhile. */
  async refresh(): Promise<void> {
    const [{ state }] = await this.policies.query<[{ state: string }]>(
      `SELECT (SELECT count(*) FROM policy) || ' ' || coalesce(string_agg(id || ' ' || effective_at, ' ' ORDER BY id), '') AS state
       FROM policy_publication`,
    );
    if (state === this.loaded) return;
    const publications = await this.publications.find();
    const texts = await this.policies.find();
    this.documents = texts.flatMap(({ id, audience, purpose, version, locale, source }) => {
      const publication = publications.find(
        (each) => each.audience === audience && each.purpose === purpose && each.version === version,
      );
      if (source === null || !publication) return [];
      const file = parsePolicy(`${version}.${locale}.md`, { audience, purpose }, Buffer.from(source, 'utf8'));
      const { effectiveAt, requiresAcceptance } = publication;
      const effective = effectiveAt.toISOString().slice(0, 10);
      return [{ ...file, id, publicationId: publication.id, effectiveAt, effective, requiresAcceptance }];
    });
    this.loaded = state;
  }

  /** Operator of this installation, as the policies name it, with the time that it gives businesses for a deletion. */
  get host(): Config['controller'] & { deletionDays: number } {
    return { ...this.config.controller, deletionDays: this.config.deletionDays };
  }

  /** The texts in force for an audience, in a language if there is one, else in English, else in Italian. */
  inForce(audience: PolicyAudience, locale: string): PolicyDocument[] {
    return policyPurposes.flatMap((purpose) => {
      const version = this.latest(audience, purpose, () => true);
      return this.inLocale(audience, purpose, version, locale) ?? [];
    });
  }

  /** The texts of published versions that are not in force yet, likewise, the next one first. */
  announced(audience: PolicyAudience, locale: string): PolicyDocument[] {
    const now = new Date();
    const later = this.documents.filter((each) => each.audience === audience && each.effectiveAt > now);
    const versions = new Map(later.map((each) => [each.publicationId, each]));
    return [...versions.values()]
      .sort((one, other) => one.effectiveAt.getTime() - other.effectiveAt.getTime() || one.version - other.version)
      .flatMap(({ purpose, version }) => this.inLocale(audience, purpose, version, locale) ?? []);
  }

  /** A text in force by its id, whatever its language; undefined when another version has taken its place. */
  inForceById(audience: PolicyAudience, id: string): PolicyDocument | undefined {
    const document = this.documents.find((each) => each.id === id && each.audience === audience);
    if (!document || document.version !== this.latest(audience, document.purpose, () => true)) return undefined;
    return document;
  }

  /** A text that is announced, by its id. */
  announcedById(audience: PolicyAudience, id: string): PolicyDocument | undefined {
    return this.documents.find((each) => each.id === id && each.audience === audience && each.effectiveAt > new Date());
  }

  /** The version that has to be accepted, or a later one; 0 when the audience has no such policy. */
  versionToAccept(audience: PolicyAudience, purpose: PolicyPurpose): number {
    return this.latest(audience, purpose, (document) => document.requiresAcceptance);
  }

  /** The texts of a publication in a language, if it is known here. */
  ofPublication(publicationId: string, locale: string): PolicyDocument | undefined {
    const found = this.documents.find((each) => each.publicationId === publicationId);
    return found && this.inLocale(found.audience, found.purpose, found.version, locale);
  }

  /**
   * Locks the publications of an audience that people are still to be told of by mail, and which are at the same place.
   * @returns undefined when there are none, or another is at it
   */
  async lockToTell(
    manager: EntityManager,
    audience: PolicyAudience,
    publishedUntil: Date,
  ): Promise<{ publications: PolicyPublication[]; after: string | null } | undefined> {
    const waiting = await manager.find(PolicyPublication, {
      where: { audience, toldAt: IsNull() },
      order: { publishedAt: 'ASC', id: 'ASC' },
      lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
    });
    const [first] = waiting.filter(({ publishedAt }) => publishedAt <= publishedUntil);
    if (!first) return undefined;
    const publications = waiting.filter(
      ({ publishedAt, toldAfter }) => publishedAt <= publishedUntil && toldAfter === first.toldAfter,
    );
    return { publications, after: first.toldAfter };
  }

  /** Notes up to which account publications have been told, and whether that was the last. */
  async noteTold(
    manager: EntityManager,
    publications: readonly PolicyPublication[],
    { upTo, done }: { upTo: string | null; done: boolean },
  ): Promise<void> {
    for (const { id } of publications)
      await manager.update(PolicyPublication, { id }, { toldAfter: upTo, ...(done && { toldAt: new Date() }) });
  }

  /** Publications not logged yet, each by the id of one of its texts; they count as logged once the transaction ends. */
  async claimUnlogged(manager: EntityManager): Promise<string[]> {
    const [rows] = await manager.query<[{ id: string }[], number]>(
      `UPDATE policy_publication SET logged_at = now() WHERE logged_at IS NULL RETURNING id`,
    );
    return rows.flatMap(({ id }) => this.ofPublication(id, referenceLocale)?.id ?? []);
  }

  /** Fills in who the controller is. Values are escaped in the text, which is Markdown, and plain elsewhere. */
  show(document: PolicyDocument, identity: PolicyIdentity): ShownPolicy {
    const { name, address, contact } = this.config.controller;
    const view = {
      publicUrl: this.config.publicUrl.origin,
      controllerName: name,
      controllerAddress: address,
      controllerContact: contact,
      ...identity,
    };
    const plain = (template: string) => mustache.render(template, view, {}, { escape: String });
    const text = mustache.render(document.text, view, {}, { escape: escapeMarkdown });
    return {
      document,
      title: plain(document.title),
      summary: document.summary.map(plain),
      text,
      sha256: createHash('sha256').update(text, 'utf8').digest(),
      checkboxes: Object.fromEntries(
        Object.entries(document.checkboxes).map(([purpose, words]) => [purpose, plain(words)]),
      ),
    };
  }

  /**
   * Compares the files with the published versions: adds translations and texts that are not stored yet, and warns of
   * unpublished versions.
   */
  private async addMissing(manager: EntityManager, files: readonly PolicyFile[]): Promise<void> {
    const [known, publications] = [await manager.find(Policy), await manager.find(PolicyPublication)];
    for (const file of files) {
      const { audience, purpose, version, locale, sha256, source } = file;
      const isOf = (each: Policy | PolicyPublication) => each.audience === audience && each.purpose === purpose;
      const recorded = known.find((each) => isOf(each) && each.version === version && each.locale === locale);
      if (recorded && !recorded.sourceSha256.equals(sha256)) {
        throw new StartError(
          `The policy text ${audience}/${purpose}/${version}.${locale}.md has changed since it was recorded: ` +
            `put it back and write version ${version + 1} instead, because people agreed to what it said.`,
        );
      }
      const isPublished = publications.some((each) => isOf(each) && each.version === version);
      if (recorded && recorded.source === null) await manager.update(Policy, { id: recorded.id }, { source });
      if (!recorded && isPublished) await insertTexts(manager, [file]);
    }
    for (const audience of policyAudiences) {
      for (const purpose of policyPurposes) {
        const ofKind = files.filter((file) => file.audience === audience && file.purpose === purpose);
        const newest = Math.max(...ofKind.map(({ version }) => version));
        const published = publications.filter((each) => each.audience === audience && each.purpose === purpose);
        if (ofKind.length > 0 && newest > Math.max(...published.map(({ version }) => version)))
          this.log.warning('a policy text waits to be published', {
            policy: `${audience}/${purpose}`,
            version: newest,
            todo: `npm run publish-policy -- ${audience}/${purpose}`,
          });
      }
    }
  }

  private inLocale(
    audience: PolicyAudience,
    purpose: PolicyPurpose,
    version: number,
    locale: string,
  ): PolicyDocument | undefined {
    const texts = this.documents.filter(
      (each) => each.audience === audience && each.purpose === purpose && each.version === version,
    );
    const wanted = [locale, 'en', referenceLocale];
    return wanted.map((each) => texts.find((text) => text.locale === each)).find(Boolean);
  }

  private latest(
    audience: PolicyAudience,
    purpose: PolicyPurpose,
    which: (document: PolicyDocument) => boolean,
  ): number {
    const now = new Date();
    return this.documents
      .filter(
        (each) => each.audience === audience && each.purpose === purpose && each.effectiveAt <= now && which(each),
      )
      .reduce((newest, { version }) => Math.max(newest, version), 0);
  }
}

const escapeMarkdown = (value: unknown) => String(value).replace(/[\\`*_[\]<>#|~]/g, '\\$&');
