import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, LessThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type Config, CONFIG } from '../config.js';
import { Forgetting } from '../forgetting/forgetting.js';
import type { Forget } from '../forgetting/holdings.js';
import { defineJob } from '../jobs/job-kinds.js';
import { JobFailure, Jobs } from '../jobs/jobs.js';
import { KeyGoneError, type KeyRef } from '../vault/keyring.js';
import { Vault } from '../vault/vault.js';
import { Mail } from './mail.entity.js';
import { type MailKind, mailKinds, type MailPurpose } from './mail-kinds.js';
import { MailFailures } from './mail-failures.js';
import { Postman, Undeliverable } from './postman.js';
import { openMail, sealMail } from './sealed-mail.js';
import { type MailDraft, MailTemplates } from './templates.js';

export interface NewMail extends Omit<MailDraft, 'template'> {
  mail: MailKind;
  /** Key that seals it: the addressee's. */
  key: KeyRef;
  /** Id of the account or invited member concerned, where several share the key, so that the mail can be taken back. */
  about?: string;
  notAfter: Date;
}

/** Tells of a mail that waits if it is still to be sent: by the account or invited member concerned, and the address. */
export type IsWanted = (mail: { about: string | null; to: string }) => Promise<boolean>;

/** About two days: with longer and longer pauses at first, then every hour. */
const attemptsMax = 54;
const sendMail = defineJob<{ mailId: string }>('mail.send', {
  retryLimit: attemptsMax,
  retryDelay: 30,
  retryBackoff: true,
  retryDelayMax: 60 * 60,
  expireInSeconds: 180,
  exclusive: true,
});
/** Finds mails without a job: posted before there was an SMTP server, or due for a retry. */
const resumeMails = defineJob('mail.resume', { cron: '* * * * *' });
const purgeMails = defineJob('mail.purge', { cron: '17 * * * *' });

const resumedAtOnce = 1_000;
/** Jobs of a higher priority are done first. */
const priorities = { urgent: 10, bulk: 0 } as const satisfies Record<MailKind['priority'], number>;

/** Mails wait here, sealed. With SMTP_URL jobs send them; without, the host reads them with `npm run outbox`. */
@Injectable()
export class Outbox implements OnModuleInit {
  private readonly conditions: { which: MailKind | MailPurpose; isWanted: IsWanted }[] = [];

  constructor(
    @InjectRepository(Mail) private readonly mails: Repository<Mail>,
    @Inject(CONFIG) private readonly config: Config,
    private readonly failures: MailFailures,
    private readonly jobs: Jobs,
    private readonly postman: Postman,
    private readonly templates: MailTemplates,
    private readonly vault: Vault,
    forgetting: Forgetting,
  ) {
    forgetting.register({
      table: 'mail',
      kind: 'waiting_mails',
      ...{ contact: forgetMails, interlocutor: forgetMails, subscriber: forgetMails },
    });
    jobs.handle(sendMail, ({ mailId }) => this.send(mailId));
    jobs.handle(resumeMails, () => this.resume({ untried: true }));
    jobs.handle(purgeMails, async () => {
      await this.purge();
      await this.resume();
    });
  }

  /** @throws Error naming a kind of mail without a text, or a text that no slice defines a mail for */
  onModuleInit(): void {
    const { names } = this.templates;
    const orphans = [...new Set([...mailKinds.keys(), ...names])].filter(
      (name) => !mailKinds.has(name) || !names.includes(name),
    );
    if (orphans.length > 0) throw new Error(`no text, or no slice, for the mail ${orphans.join(', ')}`);
  }

  /**
   * Registers a condition for mails of a kind or purpose. It is checked right before each is handed over, so that a mail that
   * is no longer wanted is dropped. Must be called before the application has started.
   */
  onlyIf(which: MailKind | MailPurpose, isWanted: IsWanted): void {
    this.conditions.push({ which, isWanted });
  }

  /** Puts a mail into the outbox, in the transaction that is the reason for it. */
  async post(manager: EntityManager, { key, about, notAfter, mail, ...rest }: NewMail): Promise<void> {
    const id = uuid();
    const draft = { ...rest, template: mail.name };
    await manager.insert(Mail, {
      id,
      keyScope: key.scope,
      keyId: key.id,
      about: about ?? null,
      template: draft.template,
      sealed: await sealMail(this.vault, { id, key, draft }),
      createdAt: new Date(),
      notAfter,
      attempts: 0,
      failure: null,
      failedAt: null,
    });
    if (this.config.smtpUrl) await this.hand(manager, { id, template: draft.template });
  }

  /**
   * Takes back what waits for an addressee; of a key that several share, what concerns one of them.
   * @returns how many mails that were
   */
  async withdraw(manager: EntityManager, { scope, id }: KeyRef, about?: string): Promise<number> {
    const { affected } = await manager.delete(Mail, {
      ...{ keyScope: scope, keyId: id },
      ...(about !== undefined && { about }),
    });
    return affected ?? 0;
  }

  /** Sees to it that every waiting mail has its job; one that has it gets no second. */
  async resume({ untried = false } = {}): Promise<void> {
    if (!this.config.smtpUrl) return;
    await this.mails.manager.transaction(async (manager) => {
      const waiting = await manager.find(Mail, {
        select: { id: true, template: true },
        where: { failedAt: IsNull(), ...(untried && { attempts: 0 }) },
        order: { id: 'ASC' },
        ...(untried && { take: resumedAtOnce }),
      });
      for (const mail of waiting) await this.hand(manager, mail);
    });
  }

  private hand(manager: EntityManager, { id, template }: Pick<Mail, 'id' | 'template'>): Promise<void> {
    const priority = priorities[mailKinds.get(template)?.priority ?? 'urgent'];
    return this.jobs.add(manager, sendMail, { mailId: id }, { singletonKey: id, priority });
  }

  /** @throws JobFailure when it should be tried again */
  private async send(id: string): Promise<void> {
    const mail = await this.mails.findOneBy({ id });
    if (!mail || mail.failedAt) return;
    if (mail.notAfter < new Date()) return void (await this.mails.delete({ id }));
    try {
      const draft = await openMail(this.vault, mail);
      if (!(await this.isWanted(mail, draft))) return void (await this.mails.delete({ id }));
      await this.postman.deliver(draft.to, this.templates.compose(draft), id);
    } catch (error) {
      // The addressee was erased.
      if (error instanceof KeyGoneError) return void (await this.mails.delete({ id }));
      if (!(error instanceof Undeliverable)) throw error;
      return this.fail(mail, error);
    }
    await this.mails.delete({ id });
    // An address that was kept for this one mail alone.
    if (mail.keyScope === 'mail') await this.vault.destroyKeys({ scope: 'mail', id: mail.keyId });
  }

  private async isWanted({ template, about }: Mail, { to }: MailDraft): Promise<boolean> {
    const purpose = mailKinds.get(template)?.purpose;
    for (const { which, isWanted } of this.conditions) {
      const applies = typeof which === 'string' ? which === purpose : which.name === template;
      if (applies && !(await isWanted({ about, to }))) return false;
    }
    return true;
  }

  private async fail({ id, attempts: before }: Mail, { code, permanent }: Undeliverable): Promise<void> {
    const attempts = before + 1;
    const final = permanent || attempts >= attemptsMax;
    await this.mails.update({ id }, { attempts, failure: code, failedAt: final ? new Date() : null });
    this.failures.count(code, { final });
    if (!final) throw new JobFailure(code);
  }

  private async purge(): Promise<void> {
    await this.mails.delete({ notAfter: LessThan(new Date()) });
  }
}

/** Mails that wait for an owner, and those about it that are sealed with a key of others. */
const forgetMails: Forget = async (manager, { scope, ids }) => {
  const [, deleted] = await manager.query<[unknown[], number]>(
    'DELETE FROM mail WHERE (key_scope = $1 AND key_id = ANY ($2::uuid[])) OR about = ANY ($2::uuid[])',
    [scope, ids],
  );
  return { counts: { waiting_mails: deleted }, more: false };
};
