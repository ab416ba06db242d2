package mongo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Wire versions of servers (hello.maxWireVersion).
const (
	wireOldest = 17 // MongoDB 6.0
	wireBulk   = 25 // MongoDB 8.0, the first with bulkWrite over collections
)

// MaxClockDifference is how far this machine's clock may be from the server's
// when the engine opens. Deadlines are decided by the server's alone; frames,
// nonces and limits of this node go by its own, in steps of 3 s.
const MaxClockDifference = 2 * time.Second

// Diagnosis says what is wrong with a server, and what an operator does about
// it.
type Diagnosis struct {
	Code             string // stable: "uri", "database", "unreachable", "not-a-replica-set", "version", "rights", "login", "clock"
	Chinese, English string
	Cause            error // may be nil; says no secret
}

// Error gives both languages.
func (d *Diagnosis) Error() string {
	s := "mongo: " + d.Chinese + " · " + d.English
	if d.Cause != nil {
		s += " (" + d.Cause.Error() + ")"
	}
	return s
}

// Unwrap gives the cause.
func (d *Diagnosis) Unwrap() error { return d.Cause }

func noDatabase() error {
	return &Diagnosis{Code: "database",
		Chinese: "连接串没有写数据库名：mongodb://…/数据库名?…",
		English: "the connection string names no database: mongodb://…/NAME?…"}
}

// badURI says that a connection string is wrong. Its text may hold a password:
// the parser's words are passed on only when they cannot, or are about a file or
// a name that was looked up. A second @ may stand in the password, and then its
// end is taken for a name.
func badURI(uri string, err error) error {
	d := &Diagnosis{Code: "uri", Chinese: "连接串有误", English: "the connection string is wrong"}
	var file *fs.PathError
	var name *net.DNSError
	switch {
	case !strings.Contains(uri, "@"):
		d.Cause = err
	case strings.Count(uri, "@") > 1:
	case errors.As(err, &file):
		d.Cause = file
	case errors.As(err, &name):
		d.Cause = name
	}
	return d
}

// server is what a server says of itself.
type server struct {
	wire   int32
	mongos bool
}

// examine asks the primary what it is.
func (e *Engine) examine(ctx context.Context, now func() time.Time) (server, error) {
	before := now()
	var hello struct {
		SetName   string    `bson:"setName"`
		Msg       string    `bson:"msg"`
		Wire      int32     `bson:"maxWireVersion"`
		LocalTime time.Time `bson:"localTime"`
	}
	err := e.client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
	after := now()
	if err != nil {
		return server{}, e.explain("hello", err)
	}
	s := server{wire: hello.Wire, mongos: hello.Msg == "isdbgrid"}
	switch {
	case hello.SetName == "" && !s.mongos:
		return s, &Diagnosis{Code: "not-a-replica-set",
			Chinese: "这是单机实例，没有事务和变更流：请配置为复制集（一个成员也可以）",
			English: "this server stands alone and has neither transactions nor change streams: make it a replica set, of one member at least"}
	case s.wire < wireOldest:
		return s, &Diagnosis{Code: "version",
			Chinese: "MongoDB 版本太旧：需要 6.0 或更新",
			English: fmt.Sprintf("this MongoDB is too old (wire version %d): 6.0 or later is needed", s.wire)}
	}
	return s, checkClock(hello.LocalTime, before, after)
}

// checkClock compares the server's clock, read between before and after.
func checkClock(server, before, after time.Time) error {
	off := max(before.Sub(server), server.Sub(after))
	if server.IsZero() || off <= MaxClockDifference {
		return nil
	}
	return &Diagnosis{Code: "clock",
		Chinese: fmt.Sprintf("本机时钟与数据库服务器相差 %s：请对时", off.Round(time.Millisecond)),
		English: fmt.Sprintf("the clocks of this machine and of the database differ by %s: set them (NTP)", off.Round(time.Millisecond))}
}

// Codes of errors of the server (its error_codes.yml).
const (
	codeBadValue             = 2
	codeUnauthorized         = 13
	codeLoginFailed          = 18
	codeIllegalOperation     = 20 // transactions on a standalone server
	codeNamespaceExists      = 48
	codeCommandNotFound      = 59
	codeIndexOptionsConflict = 85
	codeIndexKeyConflict     = 86
	codeWriteConflict        = 112
	codeNoSuchTransaction    = 251
	codeNotSupported         = 115
	codeCappedPositionLost   = 136
	codeSnapshotUnavailable  = 246 // an index or a collection is being made
	codeStreamFatal          = 280
	codeHistoryLost          = 286
	codeTransactionTooOld    = 290  // a command met its transaction being reaped; later ones find none
	codeLookupTooLarge       = 4568 // what a $lookup found is over 16 MiB
	codeTooLarge             = 10334
)

// hasCode reports whether an error carries one of the server's codes.
func hasCode(err error, codes ...int) bool {
	var s mongo.ServerError
	var bulk mongo.ClientBulkWriteException
	for _, code := range codes {
		switch {
		case errors.As(err, &s) && s.HasErrorCode(code):
			return true
		case errors.As(err, &bulk):
			for _, c := range bulk.ErrorCodes() {
				if c == code {
					return true
				}
			}
		}
	}
	return false
}

// explain gives an error of the driver words; nil stays nil.
func (e *Engine) explain(doing string, err error) error {
	var d *Diagnosis
	switch {
	case err == nil:
		return nil
	case errors.As(err, &d):
		return err
	case hasCode(err, codeUnauthorized):
		d = &Diagnosis{Code: "rights",
			Chinese: "数据库用户没有足够的权限：所需权限见 deploy/rights.js（本库的 readWrite 角色也可以）",
			English: "the database user lacks a right: deploy/rights.js lists what it needs (the role readWrite has it all) on " + e.db.Name()}
	case hasCode(err, codeLoginFailed) || strings.Contains(err.Error(), "auth error"):
		d = &Diagnosis{Code: "login",
			Chinese: "用户名、口令或证书不被接受（检查 authSource）",
			English: "the user, password or certificate is not accepted (look at authSource)"}
	case strings.Contains(err.Error(), "server selection"):
		d = &Diagnosis{Code: "unreachable",
			Chinese: "连不上主节点：检查地址、replicaSet 名称、TLS，以及多数成员是否在线",
			English: "no primary can be reached: look at the addresses, the name of the replica set, TLS, and whether a majority of its members is up"}
	default:
		return fmt.Errorf("mongo: %s: %w", doing, err)
	}
	d.Cause = fmt.Errorf("%s: %w", doing, err)
	return d
}

var _ error = (*Diagnosis)(nil)

// ctxErr gives the caller's own end in the place of what it caused.
func ctxErr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
