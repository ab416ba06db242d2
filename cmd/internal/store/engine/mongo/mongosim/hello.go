package mongosim

import (
	"encoding/binary"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// hello tells what the member is ("hello"; "Server Discovery And Monitoring").
// With a topologyVersion that is still right it waits until the member changes.
func hello(x *call) (*bsoncore.DocumentBuilder, error) {
	if app, ok := field(document0(field(x.body, "client")), "application").DocumentOK(); ok {
		x.c.appName = text(field(app, "name"))
	}
	tv, ok := field(x.body, "topologyVersion").DocumentOK()
	if x.told != nil {
		tv = x.told
	}
	if ok && x.m.knows(tv) {
		wait := min(time.Duration(number(field(x.body, "maxAwaitTimeMS")))*time.Millisecond, x.s.opts.Await)
		topo := x.m.topo
		if _, err := x.c.await(time.Now().Add(wait), func() bool { return x.m.topo != topo }); err != nil {
			return nil, err
		}
	}
	x.more = x.exhaust && ok
	x.told = x.m.topologyVersion()
	return x.m.hello(x), nil
}

// knows reports whether a topologyVersion is the member's own of now.
func (m *Member) knows(tv doc) bool {
	id, _ := field(tv, "processId").ObjectIDOK()
	return id == m.boot && number(field(tv, "counter")) == m.topo
}

func (m *Member) topologyVersion() doc {
	return build().AppendObjectID("processId", m.boot).AppendInt64("counter", m.topo).Build()
}

func (m *Member) hello(x *call) *bsoncore.DocumentBuilder {
	b := build().AppendBoolean("helloOk", true)
	if x.name == "hello" {
		b.AppendBoolean("isWritablePrimary", m.primary)
	} else {
		b.AppendBoolean("ismaster", m.primary)
	}
	b.AppendDocument("topologyVersion", m.topologyVersion())
	if !m.set.opts.Standalone {
		m.membership(b)
	}
	return b.AppendInt32("maxBsonObjectSize", maxDocument).AppendInt32("maxMessageSizeBytes", maxMessage).AppendInt32("maxWriteBatchSize", maxBatch).
		AppendDateTime("localTime", m.now().UnixMilli()).AppendInt32("logicalSessionTimeoutMinutes", 30).AppendInt32("connectionId", x.c.id).
		AppendInt32("minWireVersion", 0).AppendInt32("maxWireVersion", int32(m.set.opts.Wire)).AppendBoolean("readOnly", false)
}

// membership tells what the member is in its set.
func (m *Member) membership(b *bsoncore.DocumentBuilder) {
	var hosts []val
	primary := ""
	for _, o := range m.set.members {
		hosts = append(hosts, vString(o.addr))
		if o.primary && (o == m || s2s(o, m)) && o.term == m.term {
			primary = o.addr
		}
	}
	b.AppendBoolean("secondary", !m.primary).
		AppendValue("hosts", vArray(hosts...)).AppendString("setName", setName).AppendInt32("setVersion", 1).AppendString("me", m.addr)
	if primary != "" {
		b.AppendString("primary", primary)
	}
	if m.primary {
		id := [12]byte{0x7F, 0xFF, 0xFF, 0xFF}
		binary.BigEndian.PutUint64(id[4:], uint64(m.term))
		b.AppendObjectID("electionId", id)
	}
	b.AppendDocument("lastWrite", m.lastWrite())
}

func (m *Member) lastWrite() doc {
	last, sure := m.log.last(), m.log.at(m.commit-1)
	return build().AppendDocument("opTime", last.optime()).AppendDateTime("lastWriteDate", last.wall).
		AppendDocument("majorityOpTime", sure.optime()).AppendDateTime("majorityWriteDate", sure.wall).Build()
}

func (e *entry) optime() doc {
	return build().AppendValue("ts", e.at.val()).AppendInt64("t", e.term).Build()
}

func ping(*call) (*bsoncore.DocumentBuilder, error) { return build(), nil }

func buildInfo(x *call) (*bsoncore.DocumentBuilder, error) {
	version, parts := "8.0.0", []val{vInt32(8), vInt32(0), vInt32(0), vInt32(0)}
	switch {
	case x.s.opts.Wire < 21:
		version, parts[0] = "6.0.0", vInt32(6)
	case x.s.opts.Wire < 25:
		version, parts[0] = "7.0.0", vInt32(7)
	}
	return build().AppendString("version", version).AppendValue("versionArray", vArray(parts...)).AppendString("gitVersion", "mongosim").
		AppendValue("modules", vArray()).AppendInt32("maxBsonObjectSize", maxDocument), nil
}

func serverStatus(x *call) (*bsoncore.DocumentBuilder, error) {
	if x.s.opts.Standalone {
		return nil, refuse("serverStatus of a server that stands alone")
	}
	repl := build().AppendString("setName", setName).AppendBoolean("isWritablePrimary", x.m.primary).Build()
	engine := build().AppendString("name", "wiredTiger").AppendBoolean("supportsCommittedReads", true).Build()
	return build().AppendString("host", x.m.addr).AppendString("process", "mongod").AppendDateTime("localTime", x.env.now).
		AppendDocument("repl", repl).AppendDocument("storageEngine", engine), nil
}

func replSetGetStatus(x *call) (*bsoncore.DocumentBuilder, error) {
	if x.s.opts.Standalone {
		return nil, fail(codeNoReplication, "not running with --replSet")
	}
	b := build().AppendString("set", setName).AppendDateTime("date", x.env.now).AppendInt32("myState", x.m.stateCode()).AppendInt64("term", x.m.term)
	var members []val
	for _, o := range x.s.members {
		d := build().AppendInt32("_id", int32(o.Index)).AppendString("name", o.addr).AppendBoolean("self", o == x.m)
		if o == x.m || s2s(o, x.m) {
			d.AppendDouble("health", 1).AppendInt32("state", o.stateCode()).AppendString("stateStr", map[int32]string{1: "PRIMARY", 2: "SECONDARY"}[o.stateCode()]).
				AppendDocument("optime", o.log.last().optime()).AppendDateTime("optimeDate", o.log.last().wall)
		} else {
			d.AppendDouble("health", 0).AppendInt32("state", 8).AppendString("stateStr", "(not reachable/healthy)")
		}
		members = append(members, vDoc(d.Build()))
	}
	return b.AppendValue("members", vArray(members...)), nil
}

func (m *Member) stateCode() int32 {
	if m.primary {
		return 1
	}
	return 2
}

func connectionStatus(*call) (*bsoncore.DocumentBuilder, error) {
	auth := build().AppendValue("authenticatedUsers", vArray()).AppendValue("authenticatedUserRoles", vArray()).AppendValue("authenticatedUserPrivileges", vArray()).Build()
	return build().AppendDocument("authInfo", auth), nil
}

func getParameter(*call) (*bsoncore.DocumentBuilder, error) {
	fcv := build().AppendString("version", "8.0").Build()
	return build().AppendBoolean("enableTestCommands", true).AppendDocument("featureCompatibilityVersion", fcv), nil
}

// endSessions forgets cursors and transactions of sessions.
func endSessions(x *call) (*bsoncore.DocumentBuilder, error) {
	for _, v := range items(field(x.body, x.name)) {
		_, id, _ := field(document0(v), "id").BinaryOK()
		if t := x.m.txns[string(id)]; t != nil {
			t.abort()
		}
	}
	return build(), nil
}

func killAllSessions(x *call) (*bsoncore.DocumentBuilder, error) {
	for _, t := range x.m.txns {
		t.abort()
	}
	return build(), nil
}

// replSetStepDown steps down once a secondary has everything, or anyway with
// force; it does not stand for election for as long as it says.
func replSetStepDown(x *call) (*bsoncore.DocumentBuilder, error) {
	if x.s.opts.Standalone {
		return nil, fail(codeNoReplication, "not running with --replSet")
	}
	if !x.m.primary {
		return nil, fail(codeNotWritablePrimary, "not primary so can't step down")
	}
	caught := func() bool {
		for _, o := range x.s.members {
			if o != x.m && o.follows(x.m) && o.log.end() == x.m.log.end() {
				return true
			}
		}
		return false
	}
	wait := 10 * time.Second
	if v := field(x.body, "secondaryCatchUpPeriodSecs"); v.Type != 0 {
		wait = time.Duration(number(v)) * time.Second
	}
	ok, err := x.c.await(time.Now().Add(wait), caught)
	if err != nil {
		return nil, err
	}
	if !ok && !truth(field(x.body, "force")) {
		return nil, fail(262, "No electable secondaries caught up as of %s.", x.m.now().Format(time.RFC3339))
	}
	if x.m.primary {
		x.m.leave()
		x.m.frozen = x.s.opts.Clock().Add(time.Duration(number(field(x.body, "replSetStepDown"))) * time.Second)
		x.s.settle()
	}
	return build(), nil
}
