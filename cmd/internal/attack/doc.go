// Package attack is the map of the attacks that the scan protocol was designed
// against: what is promised, against which threat (the numbers of the threat
// model), and which tests play the attack. It holds no code; its test makes sure
// that the map is the land: every test number below names at least one test
// function, every number without one has its reason, and every function of that
// name is on the map.
//
// A test is named after its number: TestAT005… is attack test 005, wherever it
// lives; "grep -rn 'estAT005'" finds it. Those that every store must pass are in
// qrflow/qrflowtest as testAT005… and run as TestConformance/AT005… in qrflow and
// as TestTickets in cmd/internal/store. Those against a whole system are in
// cmd/internal/app. The relay suite there (TestRelay…, relay_test.go) is an
// attacker program with HTTP and sockets.
//
// Which store judges them: those of qrflow/qrflowtest run in memory, on the
// embedded store and, with YUNZHANG_TEST_STORE=mongodb as CI does, on a simulated
// replica set, each unit of work by any of three nodes; those of cmd/internal/app on
// the embedded store and on a replica set with three nodes, every connection to any
// of them. One node alone have the floods, which each node counts for itself
// (AT-044), and the one that is killed (AT-023). All others run in memory or need no
// store, and never meet MongoDB.
//
//	threat  promise                                                                  tests
//	T01     A relayed log-in stops without the number, and is stepped up with it     001 002 004
//	T02     A picture of a code is worthless after nine seconds                      005 006
//	T03     A request to stamp is for one person and one organization only           007 008
//	T04     A relayed binding stamps nothing at first and is undone at once          009
//	T05     Only our own codes, in one spelling, are codes                           010
//	T06     No link, program or page claims; only a scan by an enrolled phone        011
//	T07     Codes cannot be guessed, and who guesses is stopped and told of          012 013
//	T08     Frames cannot be made, changed or kept alive                             005 014
//	T09     A result belongs to the session that asked for it                        015
//	T10     Nobody can make a phone ask                                              017
//	T11     Two wrong numbers end a request                                          018
//	T12     Whoever claims somebody else's code is shown, and cannot block him       019
//	T13     A yes to one thing is never a yes to another                             020
//	T14     The wrong agent cannot claim                                             007
//	T15     Taps, retries, nodes and crashes give one approval and one stamp         021 022 023
//	T16     One device claims; the other learns nothing of it                        024
//	T17     A captured approval is of no use again                                   025
//	T18     A repetition gets its own answer and nobody else's                       026
//	T19     Time is the store's; what has lapsed is dead, written or not             027 028
//	T20     What was shown is what is signed, byte for byte                          029 030 031
//	T21     Statements and requests have one reading                                 032 033
//	T22     What was taken back before the commit wins                               034 035 036
//	T23     A limit of n is never exceeded                                           037
//	T24     No state is skipped                                                      038
//	T25     Tier and algorithm are no choice of the client                           039
//	T26     What is not yours does not exist                                         040
//	T27     A request sets nothing that it does not name                             033
//	T28     A caught result code is worthless, and kills the result                  015 041
//	T29     A batch is approved as a whole, and only as it was listed                042
//	T30     A broken batch is finished with the same bytes or not at all             043
//	T31     A declaration system that is in strange hands is slow, and stopped       044
//	T33     Two signatures over the same bytes, by one device                        047
//	T34     A stolen number enrols nothing; a new device waits                       048 049
//	T38     Who has left acts no more                                                036
//	T39     Another site cannot use the socket, and burns what it stole              053 054 055 056
//	T40     A name that somebody points at us is not ours                            057
//	T41     Page tokens work once and are in no log                                  058 059
//	T42     One page of a ticket stays, on whatever node                             060
//	T43     No page is felt by another; memory is bounded                            061 062 063 064
//	T44     A page shows what is durable, whatever is lost on the way                065 066 067
//	T45     A page learns no name before the result                                  068
//	T62     A copy of the data opens nothing                                         092 093
//	T63     Rows give no power: the signer believes signatures                       094 095 096
//	T64     The signer signs for evidence and its documents, or not at all           097
//	T70     A key opens in its own place only                                        096
//	T71     Logs and figures tell nothing                                            059
//	T72     Dear calls have a pool and a line; cheap ones go on                      108
//	T74     A one-time code works once, and guessing is locked                       110 111
//	T75     A code by SMS is for one thing, and costs are bounded                    112 113
//
// # Not here
//
//	003           webhooks: the notice and the report are tested, session.revoked comes with them
//	016           pages: the way back on the same device is the web app's
//	045 046       native phones: user verification and attested hardware keys (tier N)
//	050 051 052   native phones: attestation, counters, two-party SM2 (tier N)
//	069-077       declaration systems: signed requests, webhooks, their addresses
//	078-091       documents: PDF and OFD
//	098 099       roles of operators
//	100-107       the log as a Merkle tree, clocks, backups
//	109           documents: a time-stamp authority or registry that is away
//
// As amended in the design: 006 and 011 are about the app's pages and the phone's
// requests, 012, 013 and 108 assert budgets and counters and no time, 041 repeats
// for the same verifier and kills for another, 061 does not negotiate compression.
package attack
