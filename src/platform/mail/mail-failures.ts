import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Log } from '../log.js';
import { failureInWords } from './refusals.js';

const gatheredMilliseconds = 5_000;

/** Tells the host in the log why mails do not go: codes and how often, so that a dead server fills no disk. */
@Injectable()
export class MailFailures implements OnModuleDestroy {
  private readonly counts = new Map<string, { code: string; final: boolean; mails: number }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly log: Log) {}

  /** @param final whether the mail will not be tried again */
  count(code: string, { final }: { final: boolean }): void {
    const key = `${code} ${final}`;
    const known = this.counts.get(key);
    if (known) known.mails++;
    else this.counts.set(key, { code, final, mails: 1 });
    this.timer ??= setTimeout(() => this.tell(), gatheredMilliseconds).unref();
  }

  onModuleDestroy(): void {
    this.tell();
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const { code, final, mails } of this.counts.values()) {
      const about = failureInWords(code);
      this.log.warning(final ? 'mail failed' : 'mail waits', { code, mails, ...(about && { about }) });
    }
    this.counts.clear();
  }
}
