import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Turns } from '../turns.js';
import { ObjectMissing, Storage, StorageFailure } from './storage.js';

export interface S3Settings {
  bucket: string;
  endpoint: string | undefined;
  region: string;
  /** Without them the SDK looks for credentials where it always does, such as the role of a machine. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** Beginning of the names of all objects. */
  prefix: string;
  pathStyle: boolean;
}

/** S3 takes no smaller parts. */
const partBytes = 5 * 1024 * 1024;
/** Each holds one part, or two for a moment. */
const writesAtOnce = 8;
const checkMilliseconds = 1_500;

/** Objects in a bucket of an S3-compatible storage. */
export class S3Storage extends Storage {
  private readonly client: S3Client;
  private readonly writing = new Turns({
    concurrency: writesAtOnce,
    concurrencyPerAsker: writesAtOnce,
    waiting: Infinity,
    waitingPerAsker: Infinity,
    of: 'uploads',
  });

  constructor(private readonly settings: S3Settings) {
    super();
    const { endpoint, region, credentials, pathStyle } = settings;
    this.client = new S3Client({
      region,
      forcePathStyle: pathStyle,
      // What is sealed has checksums of its own, and many compatible storages know no trailers.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(endpoint && { endpoint }),
      ...(credentials && { credentials }),
    });
  }

  async write(name: string, source: AsyncIterable<Buffer>): Promise<void> {
    await this.writing.run('writes', async () => {
      const upload = new Upload({
        client: this.client,
        params: { ...this.object(name), Body: Readable.from(source, { objectMode: false }) },
        partSize: partBytes,
        queueSize: 1,
        leavePartsOnError: false,
      });
      await upload.done().catch((error: unknown) => {
        throw asFailure(error);
      });
    });
  }

  async *read(name: string, start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    if (start >= end) return;
    try {
      const ask = new GetObjectCommand({ ...this.object(name), Range: `bytes=${start}-${end - 1}` });
      const { Body } = await this.client.send(ask);
      for await (const piece of Body as Readable) yield piece as Buffer;
    } catch (error) {
      if (isMissing(error)) throw new ObjectMissing(name);
      throw asFailure(error);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand(this.object(name)));
    } catch (error) {
      if (!isMissing(error)) throw asFailure(error);
    }
  }

  async *list(after: string, before: string): AsyncGenerator<string, void, undefined> {
    const { bucket: Bucket, prefix: Prefix } = this.settings;
    let last = Prefix + after;
    for (;;) {
      const ask = new ListObjectsV2Command({ Bucket, Prefix, StartAfter: last });
      const { Contents = [], IsTruncated } = await this.client.send(ask).catch((error: unknown) => {
        throw asFailure(error);
      });
      for (const { Key = '' } of Contents) {
        if (Key >= Prefix + before) return;
        yield Key.slice(Prefix.length);
        last = Key;
      }
      if (!IsTruncated || Contents.length === 0) return;
    }
  }

  async check(): Promise<void> {
    try {
      const ask = new HeadBucketCommand({ Bucket: this.settings.bucket });
      await this.client.send(ask, { abortSignal: AbortSignal.timeout(checkMilliseconds) });
    } catch (error) {
      throw new StorageFailure('away', error);
    }
  }

  override close(): void {
    this.client.destroy();
  }

  private object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.settings.bucket, Key: this.settings.prefix + name };
  }
}

const isMissing = (error: unknown) => error instanceof S3ServiceException && error.name === 'NoSuchKey';

/** Codes of storages that have no room, of AWS's kind, MinIO's and Ceph's. */
const full =
  /^(QuotaExceeded|XMinioStorageFull|XMinioAdminBucketQuotaExceeded|InsufficientCapacity|ServiceQuotaExceeded.*)$/;
const networkCode = /^(E[A-Z]{3,}|UND_ERR_.*)$/;

function asFailure(error: unknown): unknown {
  if (error instanceof S3ServiceException) return new StorageFailure(full.test(error.name) ? 'full' : 'away', error);
  const { code, name } = error as NodeJS.ErrnoException;
  // The SDK marks what it has met on the way; what the source throws has no such mark.
  if (typeof error === 'object' && error !== null && '$metadata' in error) return new StorageFailure('away', error);
  const isNetwork = name === 'TimeoutError' || name === 'CredentialsProviderError' || networkCode.test(code ?? '');
  return isNetwork ? new StorageFailure('away', error) : error;
}
