package mongosim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// began gives a context in a transaction that has written {_id: id}.
func began(t *testing.T, client *mongo.Client, id any) (*mongo.Session, context.Context) {
	t.Helper()
	s := must[*mongo.Session](t)(client.StartSession())
	ctx := mongo.NewSessionContext(t.Context(), s)
	if err := s.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	if id != nil {
		must[*mongo.InsertOneResult](t)(client.Database("d").Collection("c").InsertOne(ctx, bson.M{"_id": id}))
	}
	return s, ctx
}

func labelled(err error, label string) bool {
	var se mongo.ServerError
	return errors.As(err, &se) && se.HasErrorLabel(label)
}

func TestALostAnswerToCommitIsAskedForAgain(t *testing.T) {
	for _, f := range []mongosim.Fault{mongosim.DropBefore, mongosim.DropAfter, mongosim.KillAfter, mongosim.StepDownAfter, mongosim.ConcernError} {
		t.Run(f.String(), func(t *testing.T) {
			set, client := start(t, mongosim.Options{})
			s, ctx := began(t, client, 1)
			set.DropNext("commitTransaction", f)
			err := s.CommitTransaction(ctx)
			n := must[int64](t)(at(client, nil, nil).CountDocuments(t.Context(), bson.M{}))
			if err == nil && n != 1 || err != nil && n != 0 && !labelled(err, "UnknownTransactionCommitResult") {
				t.Errorf("commit: %v, and %d documents", err, n)
			}
			if set.Stats().Faults[f.String()] != 1 {
				t.Error("the fault was not injected")
			}
		})
	}
}

func TestAStepDownBeforeCommitEndsTheTransaction(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	s, ctx := began(t, client, 1)
	set.Primary().StepDown()
	eventually(t, "a primary", func() bool { return set.Primary() != nil })
	if err := s.CommitTransaction(ctx); code(err) != 251 || !labelled(err, "TransientTransactionError") {
		t.Errorf("commit: %v", err)
	}
	if n := must[int64](t)(at(client, nil, nil).CountDocuments(t.Context(), bson.M{})); n != 0 {
		t.Errorf("%d documents", n)
	}
}

func TestACommitThatNoMajorityHasIsLostWithItsPrimary(t *testing.T) {
	set, client := start(t, mongosim.Options{Election: slow})
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(t.Context(), bson.M{"_id": 0}))
	alone := direct(t, set.Primary())
	s, ctx := began(t, alone, 1)
	set.Primary().Cut()
	err := s.CommitTransaction(ctx)
	if !labelled(err, "UnknownTransactionCommitResult") {
		t.Errorf("commit on a cut primary: %v", err)
	}
	set.Member(0).Heal()
	if n := must[int64](t)(at(client, nil, nil).CountDocuments(t.Context(), bson.M{})); n != 1 {
		t.Errorf("%d documents", n)
	}
}

func TestATransactionExpires(t *testing.T) {
	_, client := start(t, mongosim.Options{TxnLifetime: 10 * time.Millisecond})
	s, ctx := began(t, client, 1)
	eventually(t, "the transaction has ended", func() bool {
		_, err := at(client, nil, nil).InsertOne(ctx, bson.M{})
		return code(err) == 251
	})
	if err := s.CommitTransaction(ctx); code(err) != 251 {
		t.Errorf("commit: %v", err)
	}
}

func TestAnErrorEndsTheTransaction(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	s, ctx := began(t, client, 1)
	if _, err := at(client, nil, nil).InsertOne(ctx, bson.M{"_id": 1}); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("second insert: %v", err)
	}
	if err := s.CommitTransaction(ctx); code(err) != 251 {
		t.Errorf("commit: %v", err)
	}
}

func TestAUniqueValueConflictsBeforeItIsThere(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	must[string](t)(c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "u", Value: 1}}, Options: options.Index().SetUnique(true)}))
	a, actx := began(t, client, nil)
	b, bctx := began(t, client, nil)
	must[*mongo.InsertOneResult](t)(c.InsertOne(actx, bson.M{"_id": 1, "u": 1}))
	if _, err := c.InsertOne(bctx, bson.M{"_id": 2, "u": 1}); !labelled(err, "TransientTransactionError") || code(err) != 112 {
		t.Errorf("the same value in another transaction: %v", err)
	}
	if err := a.CommitTransaction(actx); err != nil {
		t.Fatal(err)
	}
	_ = b.AbortTransaction(bctx)
	_ = b.StartTransaction()
	if _, err := c.InsertOne(bctx, bson.M{"_id": 2, "u": 1}); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("the same value afterwards: %v", err)
	}
}

func TestASnapshotDoesNotMoveAndIsGuarded(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), bson.M{"_id": "x", "n": 0}))
	s, ctx := began(t, client, "mine")
	must[*mongo.UpdateResult](t)(c.UpdateByID(t.Context(), "x", bson.M{"$set": bson.M{"n": 1}}))
	var d struct{ N int }
	if err := c.FindOne(ctx, bson.M{"_id": "x"}).Decode(&d); err != nil || d.N != 0 {
		t.Errorf("the snapshot has n = %d, %v", d.N, err)
	}
	if _, err := c.UpdateByID(ctx, "x", bson.M{"$set": bson.M{"n": 2}}); code(err) != 112 {
		t.Errorf("writing over what was committed since: %v", err)
	}
	_ = s.AbortTransaction(ctx)
}

func TestAWriteOutsideWaitsForATransaction(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), bson.M{"_id": "x", "n": 0}))
	s, ctx := began(t, client, nil)
	inc := bson.M{"$inc": bson.M{"n": 1}}
	must[*mongo.UpdateResult](t)(c.UpdateByID(ctx, "x", inc))
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := c.UpdateByID(short, "x", inc); err == nil {
		t.Error("it did not wait")
	}
	done := make(chan error)
	go func() {
		_, err := c.UpdateByID(t.Context(), "x", inc)
		done <- err
	}()
	if err := s.CommitTransaction(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	var d struct{ N int }
	if err := c.FindOne(t.Context(), bson.M{"_id": "x"}).Decode(&d); err != nil || d.N < 2 {
		t.Errorf("n = %d, %v", d.N, err)
	}
}

func TestAnOlderTransactionNumberIsRefused(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	id := bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")}
	run := func(number int64) error {
		return client.Database("d").RunCommand(t.Context(), bson.D{{Key: "insert", Value: "c"}, {Key: "documents", Value: bson.A{bson.M{"_id": number}}},
			{Key: "lsid", Value: bson.M{"id": id}}, {Key: "txnNumber", Value: number}}).Err()
	}
	for i, want := range []struct {
		number int64
		code   int
	}{{5, 0}, {5, 0}, {4, 225}, {6, 0}} {
		if err := run(want.number); code(err) != want.code {
			t.Errorf("step %d: number %d: %v", i, want.number, err)
		}
	}
	if n := must[int64](t)(at(client, nil, nil).CountDocuments(t.Context(), bson.M{})); n != 2 {
		t.Errorf("%d documents: a statement was done twice, or not", n)
	}
}

func TestARetriedWriteIsDoneOnce(t *testing.T) {
	inc := bson.M{"$inc": bson.M{"n": 1}}
	writes := map[string]func(context.Context, *mongo.Collection) error{
		"update": func(ctx context.Context, c *mongo.Collection) error {
			r, err := c.UpdateByID(ctx, 1, inc)
			if err == nil && r.ModifiedCount != 1 {
				err = fmt.Errorf("update: %+v", r)
			}
			return err
		},
		"findAndModify": func(ctx context.Context, c *mongo.Collection) error {
			var d struct{ N int }
			err := c.FindOneAndUpdate(ctx, bson.M{"_id": 1}, inc, options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&d)
			if err == nil && d.N != 1 {
				err = fmt.Errorf("findAndModify answers n = %d", d.N)
			}
			return err
		},
	}
	for _, f := range []mongosim.Fault{mongosim.DropBefore, mongosim.DropAfter, mongosim.KillBefore, mongosim.KillAfter, mongosim.StepDown, mongosim.StepDownAfter, mongosim.Labelled, mongosim.ConcernError, mongosim.CutOff} {
		for name, write := range writes {
			t.Run(f.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				set, client := start(t, mongosim.Options{})
				c := at(client, nil, nil)
				must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), bson.M{"_id": 1, "n": 0}))
				set.DropNext(name, f)
				if err := write(t.Context(), c); err != nil {
					t.Error(err)
				}
				var d struct{ N int }
				if err := c.FindOne(t.Context(), bson.M{"_id": 1}).Decode(&d); err != nil || d.N != 1 {
					t.Errorf("n = %d, %v", d.N, err)
				}
			})
		}
	}
}

func TestASnapshotSessionReadsOneMoment(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), bson.M{"_id": 1}))
	s := must[*mongo.Session](t)(client.StartSession(options.Session().SetSnapshot(true)))
	ctx := mongo.NewSessionContext(t.Context(), s)
	for i := range 3 {
		if n := must[int64](t)(c.CountDocuments(ctx, bson.M{})); n != 1 {
			t.Errorf("read %d sees %d documents", i, n)
		}
		must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), bson.M{}))
	}
}
