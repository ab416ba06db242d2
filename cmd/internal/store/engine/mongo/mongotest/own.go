package mongotest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// upTime is how long a set of its own may take to start, or a member to come back.
const upTime = 2 * time.Minute

// ownSet gives the members of a program: the test's own when it does something to
// them, else those that all tests of this process share.
func ownSet(t testing.TB, program string, control bool) *Set {
	t.Helper()
	begin := startShared
	if control {
		begin = startSet
	}
	s, err := begin(program)
	if err != nil {
		t.Fatalf("make a replica set of %s: %v", program, err)
	}
	if control {
		t.Cleanup(s.end)
	}
	return s
}

// sharedSet is made once and ends with the process.
var sharedSet struct {
	once sync.Once
	set  *Set
	err  error
}

func startShared(program string) (*Set, error) {
	sharedSet.once.Do(func() {
		if sharedSet.set, sharedSet.err = startSet(program); sharedSet.err != nil { // somebody took a port meanwhile
			sharedSet.set, sharedSet.err = startSet(program)
		}
	})
	return sharedSet.set, sharedSet.err
}

// startSet starts three members and waits until one is the primary and the others
// can follow it in that.
func startSet(program string) (_ *Set, err error) {
	s := &Set{Kind: Own}
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	var hosts []string
	for range s.Members() {
		m, err := newMember(program)
		if err != nil {
			return nil, err
		}
		s.own = append(s.own, m)
		if err := m.start(); err != nil {
			return nil, err
		}
		hosts = append(hosts, m.addr)
	}
	s.URI = "mongodb://" + strings.Join(hosts, ",") + "/?replicaSet=yz"
	ctx, cancel := context.WithTimeout(context.Background(), upTime)
	defer cancel()
	return s, s.initiate(ctx)
}

func (s *Set) end() {
	for _, m := range s.own {
		m.end()
	}
}

// codeNodeNotFound refuses to make a set of which a member does not answer yet.
const codeNodeNotFound = 74

// initiate makes the set. Heartbeats are far shorter than the time without one
// after which members vote, so that a busy machine does not have them vote.
func (s *Set) initiate(ctx context.Context) error {
	var members bson.A
	for i, m := range s.own {
		members = append(members, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: m.addr}})
	}
	config := bson.D{{Key: "_id", Value: "yz"}, {Key: "members", Value: members},
		{Key: "settings", Value: bson.D{{Key: "electionTimeoutMillis", Value: 2000}, {Key: "heartbeatIntervalMillis", Value: 200}}}}
	for i := range s.own {
		if err := s.until(ctx, i, func(hello) bool { return true }); err != nil {
			return err
		}
	}
	for {
		err := s.direct(ctx, 0, bson.D{{Key: "replSetInitiate", Value: config}}).Err()
		var refused driver.ServerError
		if err == nil {
			break
		}
		if !errors.As(err, &refused) || !refused.HasErrorCode(codeNodeNotFound) || ctx.Err() != nil {
			return err
		}
		pause(ctx)
	}
	return s.ready(ctx)
}

// ready waits until every member follows or leads, and one leads.
func (s *Set) ready(ctx context.Context) error {
	for i := range s.own {
		if err := s.until(ctx, i, hello.inPlace); err != nil {
			return err
		}
	}
	return s.led(ctx)
}

// led waits for a primary.
func (s *Set) led(ctx context.Context) error {
	for s.primary(ctx) < 0 {
		if ctx.Err() != nil {
			return errors.New("no member became the primary")
		}
		pause(ctx)
	}
	return nil
}

// hello is what a member says of itself.
type hello struct {
	Primary   bool `bson:"isWritablePrimary"`
	Secondary bool `bson:"secondary"`
}

func (h hello) inPlace() bool { return h.Primary || h.Secondary }

// until waits for what a member says of itself, or for its end.
func (s *Set) until(ctx context.Context, i int, good func(hello) bool) error {
	m := s.own[i]
	for {
		var h hello
		err := s.direct(ctx, i, bson.D{{Key: "hello", Value: 1}}).Decode(&h)
		if err == nil && good(h) {
			return nil
		}
		select {
		case <-m.ended:
			return fmt.Errorf("it ended: %s", m.lastWords())
		default:
		}
		if ctx.Err() != nil {
			return fmt.Errorf("member %d says %+v, %v: %s", i, h, err, m.lastWords())
		}
		pause(ctx)
	}
}

// primary finds the member that is the primary, -1 for none.
func (s *Set) primary(ctx context.Context) int {
	for i := range s.own {
		var h hello
		if s.direct(ctx, i, bson.D{{Key: "hello", Value: 1}}).Decode(&h) == nil && h.Primary {
			return i
		}
	}
	return -1
}

// direct runs a command of administration on one member.
func (s *Set) direct(ctx context.Context, i int, command bson.D) *driver.SingleResult {
	c, err := driver.Connect(options.Client().ApplyURI("mongodb://" + s.own[i].addr + "/?directConnection=true").
		SetServerSelectionTimeout(time.Second).SetTimeout(10 * time.Second))
	if err != nil {
		return driver.NewSingleResultFromDocument(bson.D{}, err, nil)
	}
	defer func() { _ = c.Disconnect(context.WithoutCancel(ctx)) }()
	return c.Database("admin").RunCommand(ctx, command)
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
}
