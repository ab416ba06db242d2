package mongosim

import "sync"

// commands are the commands that are answered, with the fields they take.
var commands = sync.OnceValue(func() map[string]command {
	const (
		w = flagWrite
		r = flagRead
		t = flagTxn
	)
	const helloFields = "helloOk hello isMaster ismaster client compression saslSupportedMechs speculativeAuthenticate topologyVersion maxAwaitTimeMS loadBalanced backpressure internalClient hostInfo"
	return map[string]command{
		"hello":    {hello, helloFields, flagFree},
		"isMaster": {hello, helloFields, flagFree},
		"ismaster": {hello, helloFields, flagFree},

		"ping":               {ping, "", 0},
		"buildInfo":          {buildInfo, "", flagFree},
		"buildinfo":          {buildInfo, "", flagFree},
		"serverStatus":       {serverStatus, "", flagFree},
		"replSetGetStatus":   {replSetGetStatus, "", flagFree},
		"connectionStatus":   {connectionStatus, "showPrivileges", flagFree},
		"getParameter":       {getParameter, "", flagFree | flagTestsOnly},
		"endSessions":        {endSessions, "", flagFree},
		"killSessions":       {endSessions, "", flagFree},
		"killAllSessions":    {killAllSessions, "", flagFree},
		"configureFailPoint": {configureFailPoint, "mode data", flagFree},
		"replSetStepDown":    {replSetStepDown, "force secondaryCatchUpPeriodSecs", flagFree},

		"find":        {find, "filter sort projection hint min max skip limit batchSize singleBatch allowDiskUse", r | t},
		"getMore":     {getMore, "collection batchSize", t},
		"killCursors": {killCursors, "cursors", t},
		"count":       {count, "query limit skip hint", r},
		"distinct":    {distinct, "key query", r | t},
		"aggregate":   {aggregate, "pipeline cursor hint let allowDiskUse", r | t},
		"explain":     {explain, "verbosity", r},

		"insert":        {insert, "documents ordered bypassDocumentValidation", w | t | flagRetry},
		"update":        {update, "updates ordered bypassDocumentValidation", w | t | flagRetry},
		"delete":        {remove, "deletes ordered", w | t | flagRetry},
		"findAndModify": {findAndModify, "query sort update remove new upsert fields hint bypassDocumentValidation", w | t | flagRetry},
		"findandmodify": {findAndModify, "query sort update remove new upsert fields hint bypassDocumentValidation", w | t | flagRetry},
		"bulkWrite":     {bulkWrite, "ops nsInfo ordered errorsOnly cursor bypassDocumentValidation", w | t | flagRetry},

		"commitTransaction": {commitTransaction, "recoveryToken", w | t},
		"abortTransaction":  {abortTransaction, "recoveryToken", w | t},

		"create":          {create, "capped", w | t},
		"createIndexes":   {createIndexes, "indexes commitQuorum", w | t},
		"dropIndexes":     {dropIndexes, "index", w},
		"drop":            {drop, "", w},
		"dropDatabase":    {dropDatabase, "", w},
		"listIndexes":     {listIndexes, "cursor", r},
		"listCollections": {listCollections, "filter nameOnly authorizedCollections cursor", r},
		"listDatabases":   {listDatabases, "filter nameOnly authorizedDatabases", r},
	}
})
