import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import mustache from 'mustache';
import type { Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { PolicyAudience, PolicyPurpose } from '../contract/consents.js';
import type { ConsentPurpose } from '../contract/events.js';
import { type Config, CONFIG } from '../platform/config.js';
import { StartError } from '../platform/start-error.js';
import { Policy } from './policy.entity.js';
import { type PolicyFile, readPolicyFiles, referenceLocale } from './policy-files.js';

export interface PolicyDocument extends PolicyFile {
  id: string;
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

/** The versioned policy texts of the repository, loaded at start. */
@Injectable()
export class Policies implements OnModuleInit {
  private documents: PolicyDocument[] = [];

  constructor(
    @InjectRepository(Policy) private readonly policies: Repository<Policy>,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws StartError when a text was changed after it had been recorded */
  async onModuleInit(): Promise<void> {
    const files = await readPolicyFiles(this.config.policiesDir);
    const known = await this.policies.find();
    this.documents = [];
    for (const file of files) {
      const { audience, purpose, version, locale, sha256, effective, requiresAcceptance } = file;
      const recorded = known.find(
        (policy) =>
          policy.audience === audience &&
          policy.purpose === purpose &&
          policy.version === version &&
          policy.locale === locale,
      );
      if (recorded && !recorded.sourceSha256.equals(sha256)) {
        throw new StartError(
          `The policy text ${audience}/${purpose}/${version}.${locale}.md has changed since it was recorded: ` +
            `put it back and write version ${version + 1} instead, because people agreed to what it said.`,
        );
      }
      const id = recorded?.id ?? uuid();
      if (!recorded) {
        await this.policies.insert({
          id,
          audience,
          purpose,
          version,
          locale,
          effective,
          requiresAcceptance,
          sourceSha256: sha256,
        });
      }
      this.documents.push({ ...file, id });
    }
  }

  /** Operator of this installation, as the policies name it, with the time that it gives businesses for a deletion. */
  get host(): Config['controller'] & { deletionDays: number } {
    return { ...this.config.controller, deletionDays: this.config.deletionDays };
  }

  /** The texts in force for an audience, in a language if there is one, else in English, else in Italian. */
  inForce(audience: PolicyAudience, locale: string): PolicyDocument[] {
    return (['terms', 'privacy'] as const).flatMap((purpose) => {
      const version = this.latest(audience, purpose, () => true);
      const texts = this.documents.filter(
        (each) => each.audience === audience && each.purpose === purpose && each.version === version,
      );
      const wanted = [locale, 'en', referenceLocale];
      return wanted.map((each) => texts.find((text) => text.locale === each)).find(Boolean) ?? [];
    });
  }

  /** A text in force by its id, whatever its language; undefined when another version has taken its place. */
  inForceById(audience: PolicyAudience, id: string): PolicyDocument | undefined {
    const document = this.documents.find((each) => each.id === id && each.audience === audience);
    if (!document || document.version !== this.latest(audience, document.purpose, () => true)) return undefined;
    return document;
  }

  /** The version that has to be accepted, or a later one; 0 when the audience has no such policy. */
  versionToAccept(audience: PolicyAudience, purpose: PolicyPurpose): number {
    return this.latest(audience, purpose, (document) => document.requiresAcceptance);
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

  private latest(
    audience: PolicyAudience,
    purpose: PolicyPurpose,
    which: (document: PolicyDocument) => boolean,
  ): number {
    const today = new Date().toISOString().slice(0, 10);
    return this.documents
      .filter(
        (each) => each.audience === audience && each.purpose === purpose && each.effective <= today && which(each),
      )
      .reduce((newest, { version }) => Math.max(newest, version), 0);
  }
}

const escapeMarkdown = (value: unknown) => String(value).replace(/[\\`*_[\]<>#|~]/g, '\\$&');
