declare namespace Express {
  interface Request {
    /** Made by the service for each request; named in problems and in the log. */
    id: string;
    /** From a page of one of ALLOWED_ORIGINS: it acts by no cookie and gets none. */
    withoutCookies?: boolean;
  }
}
