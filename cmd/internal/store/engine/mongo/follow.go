package mongo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine"
)

// streamed is what a change stream gives: inserts, and the word that the
// collection was dropped or renamed.
var streamed = mongo.Pipeline{{{Key: "$match", Value: bson.D{{Key: "operationType", Value: bson.D{
	{Key: "$in", Value: bson.A{"insert", "invalidate"}},
}}}}}}

// Tail implements [engine.Engine]: the token that a stream opened now begins
// with.
func (e *Engine) Tail(ctx context.Context, collection string) (engine.Position, error) {
	c, leave, err := e.outbox(ctx, collection)
	if err != nil {
		return "", err
	}
	defer leave()
	return e.tail(ctx, c)
}

func (e *Engine) tail(ctx context.Context, c *collected) (engine.Position, error) {
	ctx, cancel := e.within(ctx)
	defer cancel()
	stream, err := c.on.Watch(ctx, streamed)
	if err != nil {
		return "", e.explain("find the end of "+c.Name+` (the right "changeStream")`, err)
	}
	defer stream.Close(context.WithoutCancel(ctx))
	token := stream.ResumeToken()
	if token == nil {
		return "", fmt.Errorf("mongo: find the end of %s: the server gave no token", c.Name)
	}
	return positionOf(token), nil
}

// Follow implements [engine.Engine]. The driver resumes by itself after what
// passes (a lost connection, an election).
func (e *Engine) Follow(ctx context.Context, collection string, after engine.Position, fn func(engine.Change) error) error {
	token, err := tokenOf(after)
	if err != nil {
		return fmt.Errorf("mongo: follow %s: %w", collection, err)
	}
	c, leave, err := e.outbox(ctx, collection)
	if err != nil {
		return err
	}
	defer leave()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.stop, cancel)()
	for {
		token, err = e.stream(inner, c, token, fn)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case e.stop.Err() != nil:
			return engine.ErrClosed
		case err != nil:
			return err
		}
	}
}

// stream follows until the stream ends, and gives the token to go on from when
// it ended because the collection was dropped or renamed.
func (e *Engine) stream(ctx context.Context, c *collected, token bson.Raw, fn func(engine.Change) error) (bson.Raw, error) {
	// startAfter, unlike resumeAfter, takes the token of an invalidate as well.
	stream, err := c.on.Watch(ctx, streamed, options.ChangeStream().SetStartAfter(token))
	if err != nil {
		return nil, e.broken(c, err)
	}
	defer stream.Close(context.WithoutCancel(ctx))
	for stream.Next(ctx) {
		token = stream.ResumeToken()
		var change struct {
			Type string   `bson:"operationType"`
			Doc  bson.Raw `bson:"fullDocument"`
		}
		if err := stream.Decode(&change); err != nil {
			return nil, fmt.Errorf("mongo: follow %s: %w", c.Name, err)
		}
		if change.Type == "invalidate" {
			return token, nil
		}
		if err := fn(engine.Change{Position: positionOf(token), Doc: change.Doc}); err != nil {
			return nil, err
		}
	}
	if err := stream.Err(); err != nil {
		return nil, e.broken(c, err)
	}
	return nil, fmt.Errorf("mongo: follow %s: the server ended the stream", c.Name)
}

// broken gives an error of a stream its meaning.
func (e *Engine) broken(c *collected, err error) error {
	if hasCode(err, codeHistoryLost, codeStreamFatal, codeCappedPositionLost) {
		return fmt.Errorf("follow %s: %w (%w)", c.Name, engine.ErrHistoryLost, err)
	}
	return e.explain("follow "+c.Name, err)
}

func (e *Engine) outbox(ctx context.Context, collection string) (_ *collected, leave func(), err error) {
	c, err := e.declared.Load().find(collection)
	if err == nil && !c.Outbox {
		err = fmt.Errorf("mongo: %s is not an outbox", collection)
	}
	if err != nil {
		return nil, nil, err
	}
	leave, err = e.enter(ctx)
	return c, leave, err
}

// positionOf writes a resume token, which is a small document, as text.
func positionOf(token bson.Raw) engine.Position {
	return engine.Position(base64.RawURLEncoding.EncodeToString(token))
}

func tokenOf(p engine.Position) (bson.Raw, error) {
	b, err := base64.RawURLEncoding.DecodeString(string(p))
	if err == nil {
		err = bson.Raw(b).Validate()
	}
	if err == nil {
		_, err = bson.Raw(b).LookupErr("_data")
	}
	if err != nil {
		return nil, errors.New("this is no position of an outbox")
	}
	return b, nil
}
