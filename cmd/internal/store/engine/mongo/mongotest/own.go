package mongotest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// member is one process of a set that was started here.
type member struct {
	program string
	args    []string
	addr    string
	cmd     *exec.Cmd
}

func (m *member) start() error {
	m.cmd = exec.Command(m.program, m.args...)
	return m.cmd.Start()
}

func (m *member) kill() {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
}

// startOwn starts three members and waits for their primary.
func startOwn(t testing.TB, program string) *Set {
	t.Helper()
	s := &Set{Kind: Own}
	var hosts []string
	for i := range 3 {
		m := newMember(t, program, i)
		if err := m.start(); err != nil {
			t.Fatalf("start %s: %v", program, err)
		}
		t.Cleanup(m.kill)
		s.own = append(s.own, m)
		hosts = append(hosts, m.addr)
	}
	s.URI = "mongodb://" + strings.Join(hosts, ",") + "/?replicaSet=yz"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := s.initiate(ctx); err != nil {
		t.Fatalf("make a replica set of %s: %v", program, err)
	}
	return s
}

func newMember(t testing.TB, program string, i int) *member {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	dir := filepath.Join(t.TempDir(), strconv.Itoa(i))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &member{program: program, addr: addr, args: []string{
		"--replSet", "yz", "--bind_ip", "127.0.0.1", "--port", port, "--dbpath", dir, "--oplogSize", "128",
		"--logpath", filepath.Join(dir, "log"), "--wiredTigerCacheSizeGB", "0.25",
		"--setParameter", fmt.Sprintf("transactionLifetimeLimitSeconds=%d", int(TxnLifetime/time.Second)),
	}}
}

func (s *Set) initiate(ctx context.Context) error {
	var members bson.A
	for i, m := range s.own {
		members = append(members, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: m.addr}})
	}
	config := bson.D{{Key: "_id", Value: "yz"}, {Key: "members", Value: members},
		{Key: "settings", Value: bson.D{{Key: "electionTimeoutMillis", Value: 2000}}}}
	err := s.direct(ctx, 0, bson.D{{Key: "replSetInitiate", Value: config}})
	if err != nil {
		return err
	}
	c, err := driver.Connect(options.Client().ApplyURI(s.URI).SetServerSelectionTimeout(time.Minute))
	if err != nil {
		return err
	}
	defer func() { _ = c.Disconnect(context.WithoutCancel(ctx)) }()
	return c.Ping(ctx, nil) // of the primary: waits until there is one
}

// direct runs a command of administration on one member.
func (s *Set) direct(ctx context.Context, i int, command bson.D) error {
	c, err := driver.Connect(options.Client().ApplyURI("mongodb://" + s.own[i].addr + "/?directConnection=true").
		SetServerSelectionTimeout(time.Minute))
	if err != nil {
		return err
	}
	defer func() { _ = c.Disconnect(context.WithoutCancel(ctx)) }()
	return c.Database("admin").RunCommand(ctx, command).Err()
}

// primary finds the member that is the primary, -1 for none.
func (s *Set) primary(ctx context.Context) int {
	for i := range s.own {
		var hello struct {
			Primary bool `bson:"isWritablePrimary"`
		}
		c, err := driver.Connect(options.Client().ApplyURI("mongodb://" + s.own[i].addr + "/?directConnection=true").
			SetServerSelectionTimeout(time.Second))
		if err != nil {
			continue
		}
		err = c.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
		_ = c.Disconnect(context.WithoutCancel(ctx))
		if err == nil && hello.Primary {
			return i
		}
	}
	return -1
}
