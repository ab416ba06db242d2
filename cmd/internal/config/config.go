package config

import "time"

// Config is the whole configuration of a node. The comment of each field is
// its manual; README shows them.
type Config struct {
	// Address and port to listen on. Behind a proxy: an address only the proxy
	// reaches. In the sandbox it must be a loopback address.
	Listen string `toml:"listen"`
	// True refuses every sandbox provider, every software key tier and plain
	// http. A system that people rely on runs with nothing else.
	Production bool `toml:"production"`
	// Name of this node among those that share a database, for logs and for
	// whose work is whose. Empty: the host's name. Two nodes of one name take
	// work from each other; it is done once all the same.
	Node string `toml:"node"`
	// Folder of this node: with store.engine = "embedded" the database and the
	// documents, with "mongodb" only what is the node's own, its operators'
	// socket and the sandbox's outbox. Whoever can write to it can delete and
	// delay, but can neither stamp nor forge an approval.
	DataDir string `toml:"data_dir"`
	// Folder of the keys, made by "yunzhang init", the same on every node: a
	// node with other keys than the database was made with does not start. It is
	// refused inside data_dir: a copy of the data must not hold what opens it.
	// Whoever can read it can stamp; lose it and every seal is lost.
	KeysDir string `toml:"keys_dir"`
	// Unix socket for operators ("yunzhang admin"), mode 0600. Empty: data_dir/admin.sock.
	AdminSocket string `toml:"admin_socket"`
	// How long a stopping node waits for stamps and requests under way. What is
	// not finished then is finished at the next start.
	ShutdownGrace Duration `toml:"shutdown_grace"`

	Store     Store     `toml:"store"`
	Sites     Sites     `toml:"sites"`
	TLS       TLS       `toml:"tls"`
	Log       Log       `toml:"log"`
	Limits    Limits    `toml:"limits"`
	Lifetimes Lifetimes `toml:"lifetimes"`
	Risk      Risk      `toml:"risk"`
	Sandbox   Sandbox   `toml:"sandbox"`
}

// Store says where everything is kept.
type Store struct {
	// embedded: in data_dir, for one node, no set-up. mongodb: on a replica set
	// or sharded cluster, shared by any number of nodes. "yunzhang move" takes
	// what is there from one to the other.
	Engine  string  `toml:"engine"`
	MongoDB MongoDB `toml:"mongodb"`
}

// MongoDB is the database that several nodes share; it means something with
// store.engine = "mongodb" only. Majority, snapshot and primary are not
// settings: what is acknowledged must be durable.
type MongoDB struct {
	// Connection string of the replica set or of the mongos, with user, TLS and
	// authentication as MongoDB's manual has them:
	// mongodb://yunzhang:…@db1,db2,db3/?replicaSet=rs0&tls=true&authSource=admin.
	URI string `toml:"uri" secret:"true"`
	// Database of everything but the signer's journal. The user needs the
	// rights in deploy/rights.js on it and none beyond it.
	Database string `toml:"database"`
	// Connection string for the signer's own store, with a user of its own, so
	// that who gets at the one store cannot write to the other. Empty: uri,
	// which is for trials and refused in production.
	SignerURI string `toml:"signer_uri" secret:"true"`
	// Database of the signer's journal; never that of database.
	SignerDatabase string `toml:"signer_database"`
	// Most connections to each member, of each of the two stores. A unit of work
	// holds one while it runs: more requests at once than this wait for each other.
	// A maxPoolSize in the connection string wins.
	Pool int `toml:"pool"`
	// How long one command may take, waiting for a new primary included: an
	// election takes 12s with MongoDB's own settings. Longer keeps people
	// waiting, shorter turns every fail-over into errors.
	Timeout Duration `toml:"timeout"`
	// How long a commit whose answer was lost is asked for before it is said that
	// its outcome is not known. Longer than an election.
	CommitPatience Duration `toml:"commit_patience"`
	// How long the start waits for a primary before it says what is wrong.
	StartTimeout Duration `toml:"start_timeout"`
}

// Sites are the web origins under which one node answers, each a separate
// origin so that cookies, scripts and policies of one never reach another.
type Sites struct {
	// Host name that stands in every signed statement as its issuer. It must
	// never change: statements of another issuer are refused.
	Issuer string `toml:"issuer"`
	// Origin of the phone's API and app.
	App string `toml:"app"`
	// Origin of the API for declaration systems.
	Portal string `toml:"portal"`
	// Origin of the demonstration declaration system; empty switches it off.
	Demo string `toml:"demo"`
	// Origin of public verification and status; QR codes lead to its /q.
	Verify string `toml:"verify"`
	// Origin of the sockets of waiting pages, a host without cookies.
	Sockets string `toml:"sockets"`
}

// TLS is for a node that faces browsers itself.
type TLS struct {
	// Certificate chain, PEM. Empty: a proxy in front does TLS.
	Cert string `toml:"cert"`
	// Private key of the certificate, PEM, readable by the server only.
	Key string `toml:"key"`
	// Networks (CIDR) of proxies whose X-Forwarded headers are believed. A
	// network too many here lets its members choose their own address.
	TrustedProxies []string `toml:"trusted_proxies"`
}

// Log is one line a request and what went wrong; never names, numbers, codes
// or keys.
type Log struct {
	// debug, info, warn or error.
	Level string `toml:"level"`
	// text or json.
	Format string `toml:"format"`
	// Bearer token that /metrics asks for, under any host name; empty: only
	// loopback may read it, under the name of a site.
	MetricsToken string `toml:"metrics_token" secret:"true"`
}

// Limits bound what one request or one client may cost.
type Limits struct {
	// Largest document, bytes. It is held in memory while it is stamped.
	Document int `toml:"document"`
	// Most documents of one request, at most 500. All of them are stamped or
	// none. Up to 50 a person reads in the request itself, more in a list that
	// he can search; set 50 where nobody should approve what he has not read.
	Batch int `toml:"batch"`
	// Largest request, bytes of all its documents. The signer hashes them
	// between the approval and lifetimes.start; they are not held in memory.
	BatchBytes int `toml:"batch_bytes"`
	// Requests a second of one declaration system, on one node. What a limit counts on one node
	// keeps floods off that node; n nodes behind a proxy let n times as much through together.
	ApplicationRate int `toml:"application_rate"`
	// Requests a second of one address, for phones and the public, on one node.
	AddressRate int `toml:"address_rate"`
	// Sockets of waiting pages from one address, on one node.
	SocketsPerAddress int `toml:"sockets_per_address"`
	// Connections served at once, on one node.
	Connections int `toml:"connections"`
	// Bytes of request bodies in memory at once, over all senders: what a node can spare. Each body has
	// its own limit; only this bounds what many of them take that arrive slowly, or never end.
	BodyBytes int `toml:"body_bytes"`
	// The same from one address, so that nobody alone shuts the others out. All servers of a declaration
	// system may share one, and so do all clients of a proxy that tls.trusted_proxies leaves out. At
	// least one file that can be verified: 32 MiB, or limits.document and 12 MiB for stamps.
	BodyBytesPerAddress int `toml:"body_bytes_per_address"`
	// Open requests of one account of a declaration system, over all nodes.
	OpenTickets int `toml:"open_tickets"`
	// New requests a second of one declaration system, on one node: more than a busy province, and
	// a bound on what a stolen key can start.
	TicketRate int `toml:"ticket_rate"`
	// Scans a minute of one device, on one node: nobody scans faster in earnest.
	ClaimRate int `toml:"claim_rate"`
	// Codes a minute that are none of ours, from one device, over all nodes, before it waits and an alarm
	// is raised: it guesses, or its camera is broken.
	BadFrames int `toml:"bad_frames"`
	// Requests that wrong numbers of one device may block within a day, over all nodes, before it is
	// locked for an operator's review.
	BlockedADay int `toml:"blocked_a_day"`
	// Bytes that one declaration system may upload in a day (UTC), over all nodes; 0: no bound.
	DailyUpload int `toml:"daily_upload"`
	// Wrong PINs in a row that lock it.
	PINTries int `toml:"pin_tries"`
	// Stamps made at the same time: about one a core.
	StampWorkers int `toml:"stamp_workers"`
}

// Verified is the largest file that can be verified: what can be stamped, with
// its stamps, and in any case what other systems stamp.
func (l Limits) Verified() int { return max(32<<20, l.Document+12<<20) }

// Lifetimes say how long things last (protocol.md §2.4). Longer is more
// comfortable and weaker.
type Lifetimes struct {
	// Period of a rolling QR frame, 1s to 5s; the current and two before it are accepted.
	Frame Duration `toml:"frame"`
	// From the request to the scan; never extended.
	Open Duration `toml:"open"`
	// From the scan to the decision, by purpose; with open at most 10m.
	DecideLogin Duration `toml:"decide_login"`
	// See decide_login.
	DecideBind Duration `toml:"decide_bind"`
	// See decide_login.
	DecideStamp Duration `toml:"decide_stamp"`
	// From the approval to the start of stamping: older approvals are refused.
	Start Duration `toml:"start"`
	// From the result to its first redeem.
	Result Duration `toml:"result"`
	// A further device waits this long before it may do more than log in.
	Cooling Duration `toml:"cooling"`
	// Age of a real-person authentication that still counts as fresh.
	Evidence Duration `toml:"evidence"`
	// Age of the business registry's word on a legal representative.
	Registry Duration `toml:"registry"`
	// Validity of a new seal and its certificate.
	Seal Duration `toml:"seal"`
}

// Risk says when more than a scan and the signing PIN is asked for. A bind always
// asks for fresh real-person evidence.
type Risk struct {
	// When a log-in needs fresh real-person evidence: never, suspect or always. It is suspect when
	// page and phone are in different networks and the account was never used from such a page.
	LoginStepUp string `toml:"login_step_up"`
	// Documents of one request from which a stamp needs fresh real-person evidence; 0: never for
	// their number. A suspect request needs it in any case.
	StampStepUp int `toml:"stamp_step_up"`
	// Documents of one request from which a second person must approve; 0: only where the delegation
	// says so. The signer holds to it too.
	SecondApprover int `toml:"second_approver"`
	// How long an approval waits for the second person.
	SecondWait Duration `toml:"second_wait"`
	// How long a page (network and browser) counts as known to an account after its last use.
	KnownPage Duration `toml:"known_page"`
}

// Sandbox is the world of providers that behave like the real ones and are not.
type Sandbox struct {
	// Use the sandbox providers and admit software keys. Refused with production
	// and on an address that others can reach (unless lan).
	Enabled bool `toml:"enabled"`
	// File with the organizations and people of the sandbox world, JSON. Empty: none.
	World string `toml:"world"`
	// File that receives the sandbox's messages, mode 0600. Empty: data_dir/outbox.jsonl.
	Outbox string `toml:"outbox"`
	// Admit an address that others can reach, for a trial with a real phone.
	LAN bool `toml:"lan"`
}

// The engines of store.engine.
const (
	Embedded = "embedded"
	OnMongo  = "mongodb"
)

// Default is a configuration for one machine behind a proxy; keys, sites and
// providers still have to be named.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080", DataDir: "data", KeysDir: "keys", ShutdownGrace: Duration(20 * time.Second),
		Store: Store{Engine: Embedded, MongoDB: MongoDB{
			Database: "yunzhang", SignerDatabase: "yunzhang_signer", Pool: 100,
			Timeout: Duration(20 * time.Second), CommitPatience: Duration(30 * time.Second), StartTimeout: Duration(30 * time.Second),
		}},
		Log: Log{Level: "info", Format: "text"},
		Limits: Limits{
			Document: 20 << 20, Batch: 500, BatchBytes: 512 << 20, ApplicationRate: 100, AddressRate: 50, SocketsPerAddress: 50,
			Connections: 20_000, BodyBytes: 512 << 20, BodyBytesPerAddress: 128 << 20, OpenTickets: 3, TicketRate: 20, ClaimRate: 10, BadFrames: 5, BlockedADay: 3, DailyUpload: 100 << 30, PINTries: 5, StampWorkers: 2,
		},
		Lifetimes: Lifetimes{
			Frame: Duration(3 * time.Second), Open: Duration(2 * time.Minute),
			DecideLogin: Duration(90 * time.Second), DecideBind: Duration(3 * time.Minute), DecideStamp: Duration(5 * time.Minute),
			Start: Duration(time.Minute), Result: Duration(time.Minute), Cooling: Duration(24 * time.Hour),
			Evidence: Duration(10 * time.Minute), Registry: Duration(24 * time.Hour), Seal: Duration(3 * 365 * 24 * time.Hour),
		},
		Risk: Risk{LoginStepUp: "suspect", StampStepUp: 50, SecondWait: Duration(30 * time.Minute), KnownPage: Duration(90 * 24 * time.Hour)},
	}
}
