package mongosim_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

const (
	accounts  = 4
	clerks    = 4
	transfers = 8 // of each clerk
)

// bank moves money between accounts in transactions, each of which leaves a
// receipt, while the set breaks.
type bank struct {
	t       *testing.T
	client  *mongo.Client
	money   *mongo.Collection
	receipt *mongo.Collection
	mu      sync.Mutex
	sure    []string // receipts that were acknowledged
}

func newBank(t *testing.T, client *mongo.Client) *bank {
	o := options.Collection().SetReadConcern(readconcern.Majority()).SetWriteConcern(writeconcern.Majority())
	b := &bank{t: t, client: client, money: client.Database("bank").Collection("money", o), receipt: client.Database("bank").Collection("receipts", o)}
	for i := range accounts {
		must[*mongo.InsertOneResult](t)(b.money.InsertOne(t.Context(), m{"_id": i, "n": 0}))
	}
	must[*mongo.InsertOneResult](t)(b.receipt.InsertOne(t.Context(), m{"_id": "first"}))
	return b
}

// transfer moves n, and reports no error when it is sure.
func (b *bank) transfer(ctx context.Context, id string, from, to int, n int) error {
	s, err := b.client.StartSession()
	if err != nil {
		return err
	}
	defer s.EndSession(ctx)
	_, err = s.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		for account, by := range map[int]int{from: -n, to: n} {
			var at struct{ N int }
			if err := b.money.FindOne(ctx, m{"_id": account}).Decode(&at); err != nil {
				return nil, err
			}
			if _, err := b.money.UpdateByID(ctx, account, m{"$set": m{"n": at.N + by}}); err != nil {
				return nil, err
			}
		}
		return b.receipt.InsertOne(ctx, m{"_id": id, "from": from, "to": to, "n": n})
	}, options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
	if mongo.IsDuplicateKeyError(err) {
		return nil // an unknown commit was tried again by WithTransaction
	}
	return err
}

func (b *bank) clerk(ctx context.Context, i int, r *rand.Rand) {
	for k := range transfers {
		id := fmt.Sprintf("%d-%d", i, k)
		from := r.IntN(accounts)
		if b.transfer(ctx, id, from, (from+1+r.IntN(accounts-1))%accounts, 1+r.IntN(9)) == nil {
			b.mu.Lock()
			b.sure = append(b.sure, id)
			b.mu.Unlock()
		}
	}
}

// audit compares the accounts with the receipts, and those with what was
// acknowledged.
func (b *bank) audit() (known []string) {
	ctx := b.t.Context()
	var balance [accounts]int
	var rows []struct {
		ID          string `bson:"_id"`
		From, To, N int
	}
	eventually(b.t, "the receipts are read", func() bool {
		cur, err := b.receipt.Find(ctx, m{"n": m{"$exists": true}})
		return err == nil && cur.All(ctx, &rows) == nil
	})
	for _, r := range rows {
		balance[r.From] -= r.N
		balance[r.To] += r.N
		known = append(known, r.ID)
	}
	for _, id := range b.sure {
		if !slices.Contains(known, id) {
			b.t.Errorf("transfer %s was acknowledged and is lost", id)
		}
	}
	for i := range accounts {
		var at struct{ N int }
		if err := b.money.FindOne(ctx, m{"_id": i}).Decode(&at); err != nil || at.N != balance[i] {
			b.t.Errorf("account %d has %d, its receipts say %d (%v)", i, at.N, balance[i], err)
		}
	}
	return known
}

// watch collects the receipts that a change stream tells of, until "last". What
// the driver does not resume, it resumes behind the last token.
func (b *bank) watch(cs *mongo.ChangeStream) (seen []string, err error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for {
		for !cs.Next(ctx) {
			token := cs.ResumeToken()
			for cs = nil; cs == nil; {
				if ctx.Err() != nil {
					return seen, ctx.Err()
				}
				cs, _ = b.stream(ctx, options.ChangeStream().SetResumeAfter(token)) // tried until it works
			}
		}
		id := cs.Current.Lookup("documentKey", "_id").StringValue()
		if id == "last" {
			return seen, nil
		}
		seen = append(seen, id)
	}
}

func (b *bank) stream(ctx context.Context, o *options.ChangeStreamOptionsBuilder) (*mongo.ChangeStream, error) {
	return b.receipt.Watch(ctx, mongo.Pipeline{{{Key: "$match", Value: m{"operationType": "insert"}}}}, o)
}

func runBank(t *testing.T, seed uint64) {
	set, client := start(t, mongosim.Options{Seed: seed, Election: 5 * time.Millisecond})
	b := newBank(t, client)
	cs := must[*mongo.ChangeStream](t)(b.stream(t.Context(), options.ChangeStream()))
	var seen []string
	var lost error
	watched := make(chan bool)
	go func() {
		defer close(watched)
		seen, lost = b.watch(cs)
	}()
	set.SetFaults(mongosim.Faults{Seed: seed, Rate: 0.03})
	var wg sync.WaitGroup
	for i := range clerks {
		wg.Go(func() { b.clerk(t.Context(), i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	wg.Wait()
	set.SetFaults(mongosim.Faults{})
	eventually(t, "the last receipt", func() bool {
		_, err := b.receipt.InsertOne(t.Context(), bson.M{"_id": "last"})
		return err == nil || mongo.IsDuplicateKeyError(err)
	})
	<-watched
	known := b.audit()
	slices.Sort(known)
	slices.Sort(seen)
	if lost != nil || !slices.Equal(known, seen) {
		t.Errorf("there are the receipts %v\nand the stream told of %v, %v", known, seen, lost)
	}
}

// TestMoneyIsNeitherMadeNorLost runs 12 seeds; YUNZHANG_SEEDS asks for others.
func TestMoneyIsNeitherMadeNorLost(t *testing.T) {
	seeds := uint64(12)
	if s := os.Getenv("YUNZHANG_SEEDS"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			runBank(t, seed)
		})
	}
}
