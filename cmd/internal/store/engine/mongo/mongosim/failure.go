package mongosim

import (
	"errors"
	"fmt"
)

// failure is what a command answers with "ok: 0": a code of "Error Codes" of
// the manual, and the labels a server adds.
type failure struct {
	code   int32
	msg    string
	labels []string
	extra  doc  // keyPattern and keyValue of a duplicate key
	fixed  bool // labels are exactly these (fail points say so)
	// pointed: by a fail point, which says nothing about the topology.
	pointed bool
}

func (f *failure) Error() string { return fmt.Sprintf("%s (%d): %s", codeNames[f.code], f.code, f.msg) }

func fail(code int32, format string, args ...any) *failure {
	return &failure{code: code, msg: fmt.Sprintf(format, args...)}
}

// refuse is the answer to whatever the simulator does not imitate.
func refuse(format string, args ...any) *failure {
	return fail(codeNotImplemented, "mongosim: %s: not imitated", fmt.Sprintf(format, args...))
}

func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return fail(codeInternal, "%v", err)
}

// Codes that the simulator itself gives.
const (
	codeInternal              = 1
	codeBadValue              = 2
	codeIllegalOperation      = 20
	codeFailedToParse         = 9
	codeNamespaceNotFound     = 26
	codeIndexNotFound         = 27
	codeMaxTime               = 50
	codeWriteConcernTimeout   = 64
	codeInvalidOptions        = 72
	codeIndexOptionsConflict  = 85
	codeIndexKeyConflict      = 86
	codeNodeNotFound          = 74
	codeNoReplication         = 76
	codeNamespaceExists       = 48
	codeCommandNotFound       = 59
	codeCursorNotFound        = 43
	codeUnsatisfiableConcern  = 100
	codeWriteConflict         = 112
	codePrimarySteppedDown    = 189
	codeTransactionTooOld     = 225
	codeNotImplemented        = 238
	codeSnapshotTooOld        = 239
	codeSnapshotUnavailable   = 246
	codeNoSuchTransaction     = 251
	codeTransactionCommitted  = 256
	codeTransactionsForbidden = 263
	codeInvalidResumeToken    = 260
	codeHistoryLost           = 286
	codeNotWritablePrimary    = 10107
	codeDuplicateKey          = 11000
	codeInterruptedAtShutdown = 11600
	codeInterrupted           = 11601
	codeStateChange           = 11602
	codeNotPrimaryNoSecondary = 13435
	codeNotPrimaryOrSecondary = 13436
	codeOnlyReplicaSets       = 40573
)

var codeNames = map[int32]string{
	1: "InternalError", 2: "BadValue", 6: "HostUnreachable", 7: "HostNotFound", 8: "UnknownError",
	9: "FailedToParse", 11: "UserNotFound", 13: "Unauthorized", 14: "TypeMismatch", 18: "AuthenticationFailed",
	20: "IllegalOperation", 24: "LockTimeout", 26: "NamespaceNotFound", 27: "IndexNotFound",
	28: "PathNotViable", 43: "CursorNotFound", 48: "NamespaceExists", 50: "MaxTimeMSExpired",
	59: "CommandNotFound", 61: "ShardKeyNotFound", 63: "StaleShardVersion", 64: "WriteConcernTimeout", 66: "ImmutableField",
	72: "InvalidOptions", 73: "InvalidNamespace", 74: "NodeNotFound", 76: "NoReplicationEnabled", 79: "UnknownReplWriteConcern",
	85: "IndexOptionsConflict", 86: "IndexKeySpecsConflict", 89: "NetworkTimeout", 91: "ShutdownInProgress",
	100: "UnsatisfiableWriteConcern", 112: "WriteConflict", 117: "ConflictingOperationInProgress", 121: "DocumentValidationFailure",
	133: "FailedToSatisfyReadPreference", 134: "ReadConcernMajorityNotAvailableYet", 136: "CappedPositionLost",
	150: "StaleEpoch", 175: "QueryPlanKilled", 189: "PrimarySteppedDown", 217: "IncompleteTransactionHistory",
	222: "CloseChangeStream", 225: "TransactionTooOld", 234: "RetryChangeStream", 237: "CursorKilled", 238: "NotImplemented", 239: "SnapshotTooOld",
	246: "SnapshotUnavailable", 251: "NoSuchTransaction", 256: "TransactionCommitted",
	260: "InvalidResumeToken", 262: "ExceededTimeLimit", 263: "OperationNotSupportedInTransaction",
	267: "PreparedTransactionInProgress", 280: "ChangeStreamFatalError", 286: "ChangeStreamHistoryLost",
	290:   "TransactionExceededLifetimeLimitSeconds",
	10107: "NotWritablePrimary", 10334: "BSONObjectTooLarge", 11000: "DuplicateKey", 11600: "InterruptedAtShutdown",
	11601: "Interrupted", 11602: "InterruptedDueToReplStateChange", 13388: "StaleConfig", 13435: "NotPrimaryNoSecondaryOk",
	13436: "NotPrimaryOrSecondary",
}

// retryable are the codes with which a server adds RetryableWriteError
// ("Retryable Writes" of the driver specifications, "Determining Retryable
// Errors").
var retryable = map[int32]bool{
	6: true, 7: true, 89: true, 91: true, 189: true, 262: true, 9001: true,
	10107: true, 11600: true, 11602: true, 13435: true, 13436: true,
}

// transient are the codes with which a server adds TransientTransactionError
// to whatever fails inside a transaction ("Transactions" of the driver
// specifications, "TransientTransactionError").
var transient = map[int32]bool{
	24: true, 112: true, 239: true, 246: true, 251: true, 267: true,
}

// changesState are the codes that come with the topologyVersion after which
// they are true.
var changesState = map[int32]bool{189: true, 10107: true, 11600: true, 11602: true, 13435: true, 13436: true}

// resumable are the codes with which a server adds
// ResumableChangeStreamError ("Change Streams" of the driver specifications,
// "Resumable Error").
var resumable = map[int32]bool{
	6: true, 7: true, 63: true, 89: true, 91: true, 133: true, 150: true, 189: true, 234: true, 262: true,
	9001: true, 10107: true, 11600: true, 11602: true, 13388: true, 13435: true, 13436: true,
}
