#!/usr/bin/env bash
# The postgres image runs this once, when the cluster is made: two databases, each with an owner who can open no other.
set -euo pipefail

make_database() {
  name=$1 password=$2 psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\getenv name name
\getenv password password
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database colloquio "$DATABASE_PASSWORD"
make_database colloquio_keyring "$KEYRING_PASSWORD"
