import type {
  ConsentFigures,
  ContactFigures,
  ErasureFigures,
  ExportFigures,
  MemberFigures,
  RequestFigures,
} from '../contract/figures.js';

export interface FiguresRow {
  contacts: ContactFigures;
  consents: ConsentFigures[];
  erasures: ErasureFigures;
  requests: RequestFigures[];
  exports: ExportFigures;
  members: MemberFigures;
}

/**
 * Counts of one subscriber, all of one moment because one statement reads them. Consents of erased contacts are counted by
 * their proofs. $1 subscriber, $2 version of the privacy policy that contacts have to accept, $3 now.
 */
export const figuresQuery = `
  SELECT
    (SELECT json_build_object(
       'total', count(*),
       'promotions', count(*) FILTER (WHERE promotions),
       'upToDate', count(*) FILTER (WHERE privacy_version >= $2),
       'restricted', count(*) FILTER (WHERE restricted_at IS NOT NULL))
     FROM contact JOIN conversation USING (subscriber_id, id)
     WHERE subscriber_id = $1) AS contacts,
    (SELECT coalesce(json_agg(figures ORDER BY purpose), '[]')
     FROM (SELECT purpose, count(*) FILTER (WHERE given) AS given, count(*) FILTER (WHERE NOT given) AS withdrawn
           FROM (SELECT purpose, given FROM consent WHERE subscriber_id = $1 AND contact_id IS NOT NULL
                 UNION ALL
                 SELECT purpose, given FROM consent_proof WHERE subscriber_id = $1 AND keep_until > $3) AS record
           GROUP BY purpose) AS figures) AS consents,
    (SELECT json_build_object(
       'running', count(*) FILTER (WHERE finished_at IS NULL),
       'finished', count(*) FILTER (WHERE finished_at IS NOT NULL),
       'contacts', coalesce(sum(contacts), 0))
     FROM erasure WHERE subscriber_id = $1) AS erasures,
    (SELECT coalesce(json_agg(figures ORDER BY kind), '[]')
     FROM (SELECT kind,
                  count(*) FILTER (WHERE state = 'open') AS open,
                  count(*) FILTER (WHERE state = 'open' AND due_at < $3) AS overdue,
                  count(*) FILTER (WHERE state = 'fulfilled') AS fulfilled,
                  count(*) FILTER (WHERE state = 'refused') AS refused,
                  count(*) FILTER (WHERE state = 'taken_back') AS "takenBack",
                  count(*) FILTER (WHERE state IN ('fulfilled', 'refused') AND closed_at > due_at) AS late
           FROM rights_request WHERE subscriber_id = $1 GROUP BY kind) AS figures) AS requests,
    (SELECT json_build_object(
       'copies', count(*) FILTER (WHERE kind = 'export.asked'),
       'downloads', count(*) FILTER (WHERE kind = 'export.downloaded'),
       'addressBooks', count(*) FILTER (WHERE kind = 'contacts.exported'),
       'conversations', count(*) FILTER (WHERE kind = 'conversation.exported'))
     FROM action WHERE subscriber_id = $1) AS exports,
    (SELECT json_build_object(
       'active', count(*) FILTER (WHERE joined_at IS NOT NULL AND removed_at IS NULL),
       'invited', count(*) FILTER (WHERE joined_at IS NULL AND removed_at IS NULL AND expires_at > $3),
       'removed', count(*) FILTER (WHERE joined_at IS NOT NULL AND removed_at IS NOT NULL))
     FROM member WHERE subscriber_id = $1) AS members`;
