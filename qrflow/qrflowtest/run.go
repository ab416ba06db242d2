package qrflowtest

import "testing"

// Run runs the whole suite over stores that open makes, one or more for each
// test.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(testing.TB, Opener){
		"AT027NodeClocks":        testAT027NodeClocks,
		"AT067AnyNode":           testAT067AnyNode,
		"AT028Unwritten":         testAT028Unwritten,
		"ExpiryIsSeen":           testExpiryIsSeen,
		"SigningStays":           testSigningStays,
		"SweepGoesOn":            testSweepGoesOn,
		"DecideTimes":            testDecideTimes,
		"AT005FrameWindow":       testAT005FrameWindow,
		"RollIsTheFrames":        testRollIsTheFrames,
		"AT014ForgedFrames":      testAT014ForgedFrames,
		"ForgedFramesAtOnce":     testForgedFramesAtOnce,
		"FramesOnlyWhileOpen":    testFramesOnlyWhileOpen,
		"AT012GuessedHandles":    testAT012GuessedHandles,
		"SameClaimAgain":         testSameClaimAgain,
		"OpenTickets":            testOpenTickets,
		"Rates":                  testRates,
		"BlockingDevice":         testBlockingDevice,
		"BadRequests":            testBadRequests,
		"OpenIn":                 testOpenIn,
		"KillSwitch":             testKillSwitch,
		"SecretRotation":         testSecretRotation,
		"AT038Matrix":            testAT038Matrix,
		"AT018WrongNumber":       testAT018WrongNumber,
		"RightAfterWrong":        testRightAfterWrong,
		"NumberIsForTheLivePage": testNumberIsForTheLivePage,
		"Report":                 testReport,
		"ReportOfAnApproval":     testReportOfAnApproval,
		"AT007Strangers":         testAT007Strangers,
		"RightAfterStranger":     testRightAfterStranger,
		"AT007RefusedHead":       testAT007RefusedHead,
		"AT038OrderOfChecks":     testAT038OrderOfChecks,
		"AT020BadSignatures":     testAT020BadSignatures,
		"AT027SlowRecheck":       testAT027SlowRecheck,
		"FutureFrames":           testFutureFrames,
		"EndedCodes":             testEndedCodes,
		"AT025Replay":            testAT025Replay,
		"WrongHead":              testWrongHead,
		"AT055OtherOrigins":      testAT055OtherOrigins,
		"AT058PageToken":         testAT058PageToken,
		"AT058Once":              testAT058Once,
		"Resume":                 testResume,
		"Theft":                  testTheft,
		"AT060ParallelResumes":   testAT060ParallelResumes,
		"EndedPages":             testEndedPages,
		"AT066Durable":           testAT066Durable,
		"AT092SecretsStayOut":    testAT092SecretsStayOut,
		"PlayThrough":            testPlayThrough,
		"AT024TwoClaims":         testAT024TwoClaims,
		"AT021ParallelApproves":  testAT021ParallelApproves,
		"AT022TwoSignatures":     testAT022TwoSignatures,
		"AT018ParallelGuesses":   testAT018ParallelGuesses,
		"ParallelOpens":          testParallelOpens,
		"AT041Parallel":          testAT041Parallel,
		"ParallelEnds":           testParallelEnds,
		"AT041Repeats":           testAT041Repeats,
		"RedeemTooLate":          testRedeemTooLate,
		"AT015CaughtCode":        testAT015CaughtCode,
		"RedeemGuessed":          testRedeemGuessed,
		"CodeIsShownWhileDue":    testCodeIsShownWhileDue,
		"NothingToMake":          testNothingToMake,
		"AT040Foreign":           testAT040Foreign,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}
