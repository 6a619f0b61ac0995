import { DomainError } from '../platform/problems/domain-error.js';

/** A file that cannot be sent: it does not exist, is another sender's, another conversation's, sent already, or refused. */
export class AttachmentNotFound extends DomainError {
  constructor(id: string, item: number) {
    const detail = `There is no attachment ${id} that you can send here. Upload the file for this conversation, and send each upload once.`;
    super('attachment_not_found', {
      detail,
      errors: [{ field: 'attachmentIds', code: 'unknown_attachment', message: detail, values: { item } }],
    });
  }
}

export class AttachmentPending extends DomainError {
  constructor() {
    super('attachment_pending', {
      detail: 'This file is still being checked for viruses. Try again when attachment.changed says that it is ready.',
      retryAfter: 5,
    });
  }
}

export class AttachmentRejected extends DomainError {
  constructor() {
    super('attachment_rejected', { detail: 'The virus scanner rejected this file, so it was erased.' });
  }
}

/** The row is there but the object is not. */
export class AttachmentLost extends DomainError {
  constructor() {
    super('attachment_lost', {
      detail: 'The bytes of this file are missing from the storage. Ask its sender to send it again.',
    });
  }
}
