import { Controller, Get, HttpCode } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { Public } from '../auth/session.guard.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { Vault } from '../platform/vault/vault.js';

const answering = (status: string) => ({
  schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', enum: [status] } } },
});

@ApiTags('health')
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly database: DataSource,
    private readonly vault: Vault,
  ) {}

  /** The process runs. */
  @Get('live')
  @HttpCode(200)
  @ApiOkResponse(answering('live'))
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** Both databases answer: messages can be stored and read. */
  @Get('ready')
  @ApiOkResponse(answering('ready'))
  async ready(): Promise<{ status: 'ready' }> {
    try {
      await Promise.all([this.database.query('SELECT 1'), this.vault.ping()]);
    } catch {
      throw new DomainError('unavailable', { detail: 'A database does not answer.' });
    }
    return { status: 'ready' };
  }
}
