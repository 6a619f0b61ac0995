import { Controller, Get, HttpCode } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/session.guard.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import type { Lag } from '../change-feed/consumers.js';
import { type DatabaseTrouble, databaseTroubles } from '../platform/database-failures.js';
import { DatabaseWatch } from '../platform/database-watch.js';
import { Log } from '../platform/log.js';
import { Storage, StorageFailure } from '../platform/storage/storage.js';
import { within } from '../platform/deadline.js';
import { DomainError } from '../platform/problems/domain-error.js';

const answering = (status: string) => ({
  schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', enum: [status] } } },
});

const ready = {
  schema: {
    type: 'object',
    required: ['status', 'consumers'],
    properties: {
      status: { type: 'string', enum: ['ready'] },
      consumers: {
        type: 'array',
        maxItems: 10,
        description:
          'For each kind of work derived from messages, such as the index of the archive, the seconds for which its oldest message has been waiting. This does not affect readiness.',
        items: {
          type: 'object',
          required: ['consumer', 'seconds'],
          properties: { consumer: { type: 'string' }, seconds: { type: 'integer', minimum: 0 } },
        },
      },
    },
  },
};

@ApiTags('health')
@Public({ session: 'ignored', withoutTurn: true })
@Controller('health')
export class HealthController {
  /** Told in the log when it changes, however often it is asked for. */
  private trouble: DatabaseTrouble | StorageTrouble | undefined;

  constructor(
    private readonly changes: ChangeFeed,
    private readonly databases: DatabaseWatch,
    private readonly log: Log,
    private readonly storage: Storage,
  ) {}

  /** Liveness: the process runs. */
  @Get('live')
  @HttpCode(200)
  @ApiOkResponse(answering('live'))
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /**
   * Readiness: both databases answer and accept writes, and so does the storage of files. Otherwise the answer is 503 with the
   * reason, within two seconds.
   */
  @Get('ready')
  @ApiOkResponse(ready)
  async ready(): Promise<{ status: 'ready'; consumers: Lag[] }> {
    const [database, storage] = await Promise.all([this.databases.trouble(), this.storageTrouble()]);
    const trouble = database ?? storage;
    const reason = database ? databaseTroubles[database].log : storage && storageTroubles[storage];
    if (trouble !== this.trouble) {
      this.trouble = trouble;
      if (reason) this.log.warning('not ready', { reason });
      else this.log.info('ready again');
    }
    if (reason) throw new DomainError('unavailable', { detail: reason });
    return { status: 'ready', consumers: this.changes.lags() };
  }

  private async storageTrouble(): Promise<StorageTrouble | undefined> {
    try {
      await within(storageMilliseconds, this.storage.check(), 'the storage');
      return undefined;
    } catch (error) {
      return error instanceof StorageFailure && error.code === 'full' ? 'storage_full' : 'storage_away';
    }
  }
}

type StorageTrouble = keyof typeof storageTroubles;

const storageMilliseconds = 1_800;

const storageTroubles = {
  storage_full: 'The storage of files is full.',
  storage_away: 'The storage of files cannot be reached or written.',
};
