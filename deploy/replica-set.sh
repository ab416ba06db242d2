#!/bin/bash
# Makes the replica set, its administrator and Yunzhang's two users. It runs in
# the network of mongo1, where the first user may be made without one, and can
# be run again.
set -euo pipefail
export ADMIN_PASSWORD="$(cat /run/secrets/admin_password)" MAIN_PASSWORD="$(cat /run/secrets/main_password)" SIGNER_PASSWORD="$(cat /run/secrets/signer_password)"
as_admin() { mongosh --quiet "mongodb://admin:$ADMIN_PASSWORD@mongo1,mongo2,mongo3/?replicaSet=rs0&authSource=admin" "$@"; }
if ! as_admin --eval 'db.runCommand({ping: 1})' >/dev/null 2>&1; then
  mongosh --quiet mongodb://127.0.0.1 --eval '
    try {
      rs.initiate({_id: "rs0", members: [{_id: 0, host: "mongo1", priority: 2}, {_id: 1, host: "mongo2"}, {_id: 2, host: "mongo3"}]});
    } catch (e) { if (e.codeName !== "AlreadyInitialized") throw e; }
    while (!db.hello().isWritablePrimary) sleep(500);
    db.getSiblingDB("admin").createUser({user: "admin", pwd: process.env.ADMIN_PASSWORD, roles: ["root"]});'
fi
as_admin /rights.js
