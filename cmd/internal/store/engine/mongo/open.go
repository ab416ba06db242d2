package mongo

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"yunzhang.dev/cmd/internal/store/engine"
)

// Defaults of a connection. All but CommitPatience and CommandTimeout can be
// set in the connection string as well, and what stands there wins.
const (
	// DefaultMaxPool (maxPoolSize): a unit holds a connection for its round
	// trips only, some milliseconds, so a hundred carry tens of thousands of
	// units a second; three nodes stay far below what a server admits.
	DefaultMaxPool = 100
	// DefaultConnectTimeout (connectTimeoutMS) also bounds how long a member
	// that has gone silent is believed in.
	DefaultConnectTimeout = 5 * time.Second
	// DefaultCommandTimeout bounds one command, so that a member that holds its
	// connections open and says nothing costs a request and not a goroutine. The
	// wait for a primary is included (serverSelectionTimeoutMS is as long), and an
	// election takes 10 s without a sign of life and then a vote: a request waits
	// for the new primary and does not fail.
	DefaultCommandTimeout = 20 * time.Second
	// DefaultCommitPatience is longer than an election too.
	DefaultCommitPatience = 30 * time.Second
)

// Options of an engine.
type Options struct {
	// URI is the connection string, "mongodb://user:password@a,b,c/yunzhang?
	// replicaSet=rs0&tls=true". TLS, authentication and everything about the
	// pool stand in it. It is never logged. Required.
	URI string
	// Database overrides the one in the connection string.
	Database string
	Log      *slog.Logger // required

	// CommandTimeout and CommitPatience: zero for the defaults.
	CommandTimeout time.Duration
	CommitPatience time.Duration
	// Clock is this machine's, which is held against the server's at the
	// start. nil: time.Now.
	Clock func() time.Time
	// Monitor, for tests, is told every command.
	Monitor *event.CommandMonitor
	// Dial, for tests, makes every connection, so that they can be broken as
	// the death of a process breaks them. nil: net.Dialer's.
	Dial Dial
}

// Dial makes a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext implements the driver's options.ContextDialer.
func (d Dial) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Engine is an engine on a MongoDB database. It implements [engine.Engine].
type Engine struct {
	client   *mongo.Client
	db       *mongo.Database
	log      *slog.Logger
	timeout  time.Duration
	patience time.Duration
	careless bool                       // a commit without an answer counts as a lost race: tests set it
	concern  *writeconcern.WriteConcern // of units: tests set a weaker one
	joins    bool                       // rows of several collections can be fetched together
	bulk     atomic.Bool                // the server has bulkWrite

	floor    clock
	mu       sync.Mutex // serializes Declare
	declared atomic.Pointer[catalogue]

	stop    context.Context // ends with Close
	closing context.CancelFunc
	gate    sync.RWMutex   // guards closed and the beginning of units
	closed  bool           // guarded by gate
	under   sync.WaitGroup // units and followers under way
}

var _ engine.Engine = (*Engine)(nil)

// Open connects to a database and says clearly what is wrong with it
// ([Diagnosis]). ctx bounds the opening only.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Log == nil {
		return nil, errors.New("mongo: no log given")
	}
	if o.CommandTimeout <= 0 {
		o.CommandTimeout = DefaultCommandTimeout
	}
	if o.CommitPatience <= 0 {
		o.CommitPatience = DefaultCommitPatience
	}
	name, opts, err := clientOptions(o)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, badURI(o.URI, err)
	}
	e := &Engine{
		client: client, log: o.Log, timeout: o.CommandTimeout, patience: o.CommitPatience,
		db: client.Database(name), concern: durable(),
	}
	e.stop, e.closing = context.WithCancel(context.Background())
	e.declared.Store(&catalogue{})
	if err := e.begin(ctx, o); err != nil {
		e.closing()
		return nil, errors.Join(err, client.Disconnect(context.WithoutCancel(ctx)))
	}
	return e, nil
}

// clientOptions gives the name of the database and the options of the client.
func clientOptions(o Options) (name string, _ *options.ClientOptions, err error) {
	parsed, err := connstring.Parse(o.URI)
	if err != nil {
		return "", nil, badURI(o.URI, err)
	}
	name = o.Database
	if name == "" {
		name = parsed.Database
	}
	if name == "" {
		return "", nil, noDatabase()
	}
	opts := options.Client().
		SetAppName("yunzhang").
		SetMaxPoolSize(DefaultMaxPool).
		SetConnectTimeout(DefaultConnectTimeout).
		SetServerSelectionTimeout(o.CommandTimeout).
		ApplyURI(o.URI).
		// What the guarantees rest on is no choice.
		SetReadPreference(readpref.Primary()).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(durable()).
		SetRetryWrites(true).
		SetRetryReads(true).
		SetMonitor(o.Monitor)
	if o.Dial != nil {
		opts.SetDialer(o.Dial)
	}
	if err := opts.Validate(); err != nil {
		return "", nil, badURI(o.URI, err)
	}
	return name, opts, nil
}

// durable is the write concern of everything: on the disks of a majority.
func durable() *writeconcern.WriteConcern {
	wc, journal := writeconcern.Majority(), true
	wc.Journal = &journal
	return wc
}

// startPause is between two looks for a primary at the start.
const startPause = 100 * time.Millisecond

// begin looks at the server and makes the anchor. While nobody answers as a
// primary it asks again until ctx ends, when that has an end: the set may be
// starting as well. That nobody was found is then said rather than how the last
// look broke off.
func (e *Engine) begin(ctx context.Context, o Options) error {
	_, bounded := ctx.Deadline()
	var away error
	for {
		err := e.beginOnce(ctx, o)
		var d *Diagnosis
		known := errors.As(err, &d)
		switch {
		case known && d.Code == "unreachable":
			away = err
		case err == nil || known:
			return err
		}
		if !bounded || ctx.Err() != nil {
			return cmp.Or(away, err)
		}
		pause(ctx, startPause)
	}
}

func (e *Engine) beginOnce(ctx context.Context, o Options) error {
	ctx, cancel := e.within(ctx)
	defer cancel()
	now := o.Clock
	if now == nil {
		now = time.Now
	}
	s, err := e.examine(ctx, now)
	if err != nil {
		return err
	}
	e.joins = !s.mongos || s.wire >= wireBulk
	e.bulk.Store(s.wire >= wireBulk)
	return e.anchor(ctx)
}

// anchor makes the anchor. So it finds out at the start, and not in the midst of
// an approval or of a sweep a month later, whether the user may write and remove;
// Declare finds out about the rest.
func (e *Engine) anchor(ctx context.Context) error {
	id := bson.D{{Key: "_id", Value: anchorID}}
	_, err := e.db.Collection(anchorName).UpdateOne(ctx, id,
		bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "ver", Value: int64(1)}}}}, options.UpdateOne().SetUpsert(true))
	if err != nil && !mongo.IsDuplicateKeyError(err) { // two nodes may start at once
		return e.explain(`write to `+anchorName+` (the rights "insert" and "update")`, err)
	}
	_, err = e.db.Collection(uploadsName).DeleteOne(ctx, id) // no upload is called so
	return e.explain(`remove nothing from `+uploadsName+` (the right "remove")`, err)
}

// within bounds one command.
func (e *Engine) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.timeout)
}

// enter registers a unit or a follower; leave when it has ended.
func (e *Engine) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return nil, engine.ErrClosed
	}
	e.under.Add(1)
	return e.under.Done, nil
}

// Close implements [engine.Engine].
func (e *Engine) Close() error {
	e.gate.Lock()
	again := e.closed
	e.closed = true
	e.gate.Unlock()
	if again {
		return nil
	}
	e.closing()
	e.under.Wait()
	ctx, cancel := e.within(context.Background())
	defer cancel()
	return e.client.Disconnect(ctx)
}
