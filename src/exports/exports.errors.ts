import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class ExportUnderWay extends DomainError {
  constructor() {
    super('export_under_way', {
      detail: 'An export of this account is in progress. Wait until it is ready, or delete it.',
    });
  }
}

export class ExportNotReady extends DomainError {
  constructor() {
    super('export_not_ready', { detail: 'This export is not ready yet. Wait until its state is "ready".' });
  }
}

export class ExportLost extends DomainError {
  constructor() {
    super('export_lost', { detail: 'The file of this export can no longer be read. Request another export.' });
  }
}

export class PasswordRequired extends DomainError {
  constructor() {
    const detail = `Send your password to POST /api/exports/:id/download first: this device signed in more than ${limits.exportProofMinutes} minutes ago.`;
    super('password_required', { detail });
  }
}
