import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { ErasedCounts, ErasedKind } from '../../contract/erasures.js';
import type { ByScope, Forget, Forgotten, Gone, Holding, Ownerless, Scope } from './holdings.js';

interface TableRow {
  name: string;
  columns: string[];
  /** Tables that its foreign keys point to. */
  parents: string[];
}

/** Every table with its columns and the tables that it points to. */
const tablesQuery = `
  SELECT relname AS name,
         ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped) AS columns,
         ARRAY(SELECT target.relname::text FROM pg_constraint JOIN pg_class AS target ON target.oid = confrelid
               WHERE conrelid = pg_class.oid AND contype = 'f' AND target.oid <> pg_class.oid) AS parents
  FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`;

/** Columns that name an owner, or something of one. A table with one of them has to say how its rows go. */
const naming: Record<string, Scope> = {
  contact_id: 'contact',
  conversation_id: 'contact',
  interlocutor_id: 'interlocutor',
  account_id: 'interlocutor',
};

/** The registry of all data of contacts, interlocutors and subscribers in the slices, and of how it is deleted. */
@Injectable()
export class Forgetting implements OnApplicationBootstrap {
  private holdings: Holding[] = [];
  private readonly others: Ownerless[] = [{ table: 'migrations', holds: 'names of migrations' }];

  constructor(private readonly database: DataSource) {}

  /** Declares how the rows of tables are deleted; must be called before the application has started. */
  register(...holdings: Holding[]): void {
    this.holdings.push(...holdings);
  }

  /** Declares that a table has no data of any owner; must be called likewise. */
  registerOwnerless(...others: Ownerless[]): void {
    this.others.push(...others);
  }

  /** @throws Error naming tables for which no slice declares how their rows are deleted */
  async onApplicationBootstrap(): Promise<void> {
    const tables = await this.database.query<TableRow[]>(tablesQuery);
    const faults = this.faultsOf(tables);
    if (faults.length > 0) throw new Error(`nobody forgets what stands in ${faults.join(', ')}`);
    this.holdings = childrenFirst(this.holdings, tables);
  }

  /**
   * Tables, with what they lack, that hold something which would survive its owner: tables that no slice has registered, and
   * registered ones with a column that names an owner of whose going they say nothing.
   */
  faultsOf(tables: readonly Pick<TableRow, 'name' | 'columns'>[]): string[] {
    const registered = new Map(this.holdings.map((holding) => [holding.table, holding]));
    const ownerless = new Set(this.others.map(({ table }) => table));
    return tables.flatMap(({ name, columns }) => {
      const holding = registered.get(name);
      if (ownerless.has(name)) return columns.includes('subscriber_id') ? [name] : [];
      if (!holding) return [name];
      const named = new Set(columns.flatMap((column) => naming[column] ?? []));
      if (columns.includes('subscriber_id')) named.delete('interlocutor');
      return [...named].filter((scope) => holding[scope] === undefined).map((scope) => `${name} (${scope})`);
    });
  }

  /**
   * The steps by which the data of owners go, in an order in which no row is deleted before those that point to it.
   * @param when what goes with a contact at once, or all else
   */
  steps(scope: Scope, when: 'atOnce' | 'inSlices' = 'inSlices'): { table: string; forget: Forget }[] {
    return this.holdings.flatMap((holding) => {
      if (scope === 'contact' && Boolean(holding.atOnce) !== (when === 'atOnce')) return [];
      const way = wayOf(holding, scope);
      return way ? [{ table: holding.table, forget: typeof way === 'string' ? byColumn(holding, way) : way }] : [];
    });
  }

  /** Takes all steps of a scope to their ends in one transaction, for owners of whom there is little. */
  async forgetAll(
    manager: EntityManager,
    gone: Gone,
    when: 'atOnce' | 'inSlices' = 'inSlices',
  ): Promise<Partial<ErasedCounts>> {
    const counts: Partial<ErasedCounts> = {};
    for (const { forget } of this.steps(gone.scope, when)) {
      let more = true;
      while (more) {
        const step = await forget(manager, gone, rowsAtOnce);
        addCounts(counts, step.counts);
        more = step.more;
      }
    }
    return counts;
  }
}

/** Rows that a step deletes at most. */
export const rowsAtOnce = 5_000;

export function addCounts(counts: Partial<ErasedCounts>, more: Partial<ErasedCounts>): void {
  for (const [kind, count] of Object.entries(more) as [ErasedKind, number][])
    counts[kind] = (counts[kind] ?? 0) + count;
}

function wayOf(holding: Holding, scope: Scope): ByScope | undefined {
  if (scope !== 'subscriber') return holding[scope];
  const { subscriber = 'subscriber_id' } = holding;
  return typeof subscriber === 'object' ? undefined : subscriber;
}

function byColumn({ table, kind }: Holding, column: string): Forget {
  return async (manager, { scope, subscriberId, ids }, limit): Promise<Forgotten> => {
    // Rows of a contact are looked for within its subscriber, whose id begins every key.
    const within = scope === 'contact';
    const [, deleted] = await manager.query<[unknown[], number]>(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table}
         WHERE ${within ? 'subscriber_id = $2 AND ' : ''}${column} = ANY ($1::uuid[]) LIMIT ${limit}))`,
      within ? [ids, subscriberId] : [ids],
    );
    return { counts: kind ? { [kind]: deleted } : {}, more: deleted === limit };
  };
}

/** Sorts so that a table comes before those that it points to. */
function childrenFirst(holdings: readonly Holding[], tables: readonly TableRow[]): Holding[] {
  const parents = new Map(tables.map((table) => [table.name, table.parents]));
  const sorted: Holding[] = [];
  const left = new Set(holdings);
  while (left.size > 0) {
    const waits = ({ table }: Holding) =>
      [...left].some((other) => parents.get(other.table)?.includes(table) || other.before?.includes(table));
    const next = [...left].find((holding) => !waits(holding));
    if (!next)
      throw new Error(`foreign keys point in a circle among ${[...left].map(({ table }) => table).join(', ')}`);
    left.delete(next);
    sorted.push(next);
  }
  return sorted;
}
