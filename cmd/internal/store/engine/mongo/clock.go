package mongo

import (
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// clock is the store's time as this node has seen it: it never goes back.
type clock struct{ floor atomic.Int64 } // Unix milliseconds

// read gives the time of a unit whose first read was answered at now by a
// server that knew of the cluster time.
func (c *clock) read(now time.Time, cluster bson.Timestamp) time.Time {
	ms := max(now.UnixMilli(), int64(cluster.T)*1000)
	for {
		floor := c.floor.Load()
		if ms <= floor {
			return time.UnixMilli(floor).UTC()
		}
		if c.floor.CompareAndSwap(floor, ms) {
			return time.UnixMilli(ms).UTC()
		}
	}
}

// clusterTime gives the highest cluster time that a session has heard of.
func clusterTime(s *mongo.Session) (t bson.Timestamp) {
	if v, err := s.ClusterTime().LookupErr("$clusterTime", "clusterTime"); err == nil {
		t.T, t.I, _ = v.TimestampOK()
	}
	return t
}
