package mongotest

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// fakeEnv makes this test's program stand in for mongod, as far as a set is
// started and its members are waited for. Its value is a folder in which the
// processes find each other, or "broken".
const fakeEnv = "YUNZHANG_FAKE_MONGOD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fakeEnv); dir != "" && slices.Contains(os.Args, "--replSet") {
		os.Exit(fakeMongod(dir))
	}
	os.Exit(m.Run())
}

func fakeMongod(dir string) int {
	arg := func(name string) string { return os.Args[slices.Index(os.Args, name)+1] }
	if dir == "broken" {
		_ = os.WriteFile(arg("--logpath"), []byte("no space left\n"), 0o600)
		return 1
	}
	f := &fake{dir: dir, port: arg("--port")}
	l, err := net.Listen("tcp", "127.0.0.1:"+f.port)
	for err == nil {
		var c net.Conn
		if c, err = l.Accept(); err == nil {
			go f.serve(c)
		}
	}
	return 1
}

type fake struct {
	dir, port     string
	asked, seated atomic.Int32
}

// serve answers questions in the old form, with which drivers begin, and in the
// new.
func (f *fake) serve(c net.Conn) {
	defer c.Close()
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(head)-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		id := int32(binary.LittleEndian.Uint32(head[4:]))
		var at int32
		var b []byte
		if wiremessage.OpCode(binary.LittleEndian.Uint32(head[12:])) == wiremessage.OpMsg {
			at, b = wiremessage.AppendHeaderStart(nil, 1, id, wiremessage.OpMsg)
			b = wiremessage.AppendMsgSectionType(wiremessage.AppendMsgFlags(b, 0), wiremessage.SingleDocument)
			b = append(b, f.answer(body[5:])...)
		} else {
			at, b = wiremessage.AppendHeaderStart(nil, 1, id, wiremessage.OpReply)
			b = wiremessage.AppendReplyNumberReturned(wiremessage.AppendReplyStartingFrom(wiremessage.AppendReplyCursorID(wiremessage.AppendReplyFlags(b, 0), 0), 0), 1)
			b = append(b, f.hello()...)
		}
		if _, err := c.Write(bsoncore.UpdateLength(b, at, int32(len(b)))); err != nil {
			return
		}
	}
}

func (f *fake) answer(command bson.Raw) []byte {
	first, err := command.IndexErr(0)
	if err != nil {
		return nil
	}
	switch first.Key() {
	case "hello":
		return f.hello()
	case "replSetInitiate": // the first time a member is not up yet
		if f.asked.Add(1) == 1 {
			return document(bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: codeNodeNotFound}, {Key: "errmsg", Value: "quorum check failed"}})
		}
		_ = os.WriteFile(filepath.Join(f.dir, "primary"), []byte(f.port), 0o600)
	}
	return document(bson.D{{Key: "ok", Value: 1}})
}

// hello says where the member stands: the one that was asked leads, the others
// follow once they were asked twice more.
func (f *fake) hello() []byte {
	primary, err := os.ReadFile(filepath.Join(f.dir, "primary"))
	leads := err == nil && strings.TrimSpace(string(primary)) == f.port
	follows := err == nil && !leads && f.seated.Add(1) > 4
	return document(bson.D{{Key: "ok", Value: 1}, {Key: "helloOk", Value: true}, {Key: "isWritablePrimary", Value: leads}, {Key: "secondary", Value: follows},
		{Key: "setName", Value: "yz"}, {Key: "hosts", Value: bson.A{"127.0.0.1:" + f.port}}, {Key: "me", Value: "127.0.0.1:" + f.port},
		{Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21},
		{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48 << 20}, {Key: "maxWriteBatchSize", Value: 1000}})
}

func document(d bson.D) []byte {
	b, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}
