import type { Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';
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
      detail: 'This file is still being checked for viruses. Try again after attachment.changed says that it is ready.',
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

/** @param bytes that a file can have at most */
export class FileTooLarge extends DomainError {
  constructor(bytes: number) {
    super('too_large', { detail: `A file can have at most ${inMegabytes(bytes)} MB. Send a smaller one.` });
  }
}

export class FileEmpty extends DomainError {
  constructor() {
    super('file_empty', { detail: 'The file is empty. Choose another one.' });
  }
}

/** The subscriber's files take all the room it has. Interlocutors do not learn how much that is. */
export class QuotaExceeded extends DomainError {
  constructor(sender: Party, bytes: number) {
    const detail =
      sender === 'subscriber'
        ? `Your business has ${inMegabytes(bytes)} MB for files, and this one does not fit. Withdraw messages with files you no longer need, or ask the host for more space.`
        : 'The business has no space for more files at the moment. Write to it without the file.';
    super('quota_exceeded', { detail });
  }
}

export class TooManyUnsentFiles extends DomainError {
  constructor() {
    super('unsent_files_limit', {
      detail: `You have ${limits.unsentFilesPerAccount} uploaded files that you have not sent. Send or delete one first; each is deleted automatically after ${limits.unsentFileHours} hours.`,
    });
  }
}

const inMegabytes = (bytes: number) => Math.round(bytes / 1024 / 1024).toLocaleString('en');

export class UploadOffsetWrong extends DomainError {
  constructor(offset: number) {
    super('upload_offset_wrong', {
      detail: `The upload is at offset ${offset}. Request the offset with HEAD, and continue from there.`,
    });
  }
}

export class TusVersionUnknown extends DomainError {
  constructor() {
    super('tus_version_unknown', { detail: 'Send the header Tus-Resumable: 1.0.0 with each request of an upload.' });
  }
}
