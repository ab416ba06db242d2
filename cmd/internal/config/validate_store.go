package config

import (
	"errors"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// databaseName is what both MongoDB and a shell take without quoting.
var databaseName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

// ownDatabases are MongoDB's, which no application writes to.
var ownDatabases = []string{"admin", "local", "config"}

func (c *Config) checkStore() error {
	switch c.Store.Engine {
	case Embedded:
		return nil
	case OnMongo:
		return c.checkMongoDB()
	}
	return wrong("store.engine", "%q is neither embedded nor mongodb", c.Store.Engine)
}

func (c *Config) checkMongoDB() error {
	m := c.Store.MongoDB
	bad := []error{
		checkURI("store.mongodb.uri", m.URI), checkDatabase("store.mongodb.database", m.Database),
		checkDatabase("store.mongodb.signer_database", m.SignerDatabase),
	}
	if m.SignerURI != "" {
		bad = append(bad, checkURI("store.mongodb.signer_uri", m.SignerURI))
	} else if c.Production {
		bad = append(bad, wrong("store.mongodb.signer_uri", "give the signer a user of its own: who can write to the rest must not be able to write to its journal"))
	}
	if m.SignerURI != "" && m.SignerURI == m.URI && c.Production {
		bad = append(bad, wrong("store.mongodb.signer_uri", "is the same as uri; give the signer a user of its own"))
	}
	if m.Database == m.SignerDatabase {
		bad = append(bad, wrong("store.mongodb.signer_database", "is that of everything else; the signer has one of its own"))
	}
	return errors.Join(bad...)
}

// checkURI sees that it is a connection string at all, and that it asks for
// nothing that would weaken what is acknowledged; the rest is the driver's. The
// string holds a password: no message repeats it.
func checkURI(key, uri string) error {
	// Not by net/url: a list of hosts with ports is no URL.
	scheme, rest, _ := strings.Cut(uri, "://")
	hosts, options, _ := strings.Cut(rest, "?")
	query, err := url.ParseQuery(options)
	if err != nil || strings.Trim(hosts, "/") == "" || strings.ContainsAny(hosts, " \t") || scheme != "mongodb" && scheme != "mongodb+srv" {
		return wrong(key, "is no connection string; write mongodb://host1,host2,host3/?replicaSet=name")
	}
	for name := range query {
		switch strings.ToLower(name) {
		case "w", "journal", "readconcernlevel", "readpreference", "retrywrites", "wtimeoutms":
			return wrong(key, "sets %s, which is not a matter of choice here; leave it out", name)
		case "directconnection":
			return wrong(key, "sets directConnection, which does not follow the primary; name the members and the replica set")
		}
	}
	return nil
}

func checkDatabase(key, name string) error {
	if !databaseName.MatchString(name) || slices.Contains(ownDatabases, name) {
		return wrong(key, "%q is no name for a database of ours", name)
	}
	return nil
}

// NodeName is the name of this node: the configured one, or the host's.
func (c *Config) NodeName() string {
	if c.Node != "" {
		return c.Node
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		return host
	}
	return "node"
}
