// The rights of Yunzhang's database users, for mongosh as an administrator:
//
//   MAIN_PASSWORD=… SIGNER_PASSWORD=… mongosh "mongodb://admin@db1,db2,db3/?replicaSet=rs0" rights.js
//
// Two users: everything but the signer's journal, and the journal. Neither reads
// or writes the other's database. Both make collections and indexes at start;
// neither may drop one, change users or read the oplog. On MongoDB 6 to 8.
const actions = [
  "find", "insert", "update", "remove",                          // rows, bulkWrite and transactions included
  "createCollection", "createIndex", "listCollections", "listIndexes",
  "changeStream",                                                // followers of the outbox
];
for (const [database, user, password] of [
  ["yunzhang", "yunzhang", process.env.MAIN_PASSWORD],
  ["yunzhang_signer", "yunzhang_signer", process.env.SIGNER_PASSWORD],
]) {
  const admin = db.getSiblingDB("admin");
  const role = { privileges: [{ resource: { db: database, collection: "" }, actions }], roles: [] };
  if (admin.getRole(user)) admin.updateRole(user, role);
  else admin.createRole({ role: user, ...role });
  if (!admin.getUser(user)) admin.createUser({ user, pwd: password, roles: [user] });
}
