// Reports to be shown: an estate of any size, and one whose owner means harm.

const TENANT = "0b1f6471-1bf0-4dda-aec3-111122223333";
const guid = (number) => `${(0x5b000000 + number * 2654435).toString(16).slice(-8)}-1bf0-4dda-aec3-${String(number).padStart(12, "0")}`;
const groupScope = (name) => `/providers/Microsoft.Management/managementGroups/${name}`;
const ago = (minutes) => new Date(Date.now() - minutes * 60000).toISOString();
const counted = (scopes) => {
  const totals = { covered: 0, pending: 0, missing: 0, failed: 0, excluded: 0 };
  for (const { verdict } of scopes) totals[verdict] += 1;
  return totals;
};

const GROUPS = {
  [TENANT]: { name: "Tenant Root Group" },
  platform: { name: "Platform", parent: TENANT },
  connectivity: { name: "Connectivity", parent: "platform" },
  landing: { name: "Landing zones", parent: TENANT },
  corp: { name: "Corp", parent: "landing" },
  online: { name: "Online", parent: "landing" },
  sandbox: { name: "Sandbox", parent: TENANT },
};
const TEAMS = ["Sales", "Payments", "Billing", "Data platform", "Identity", "Logistics", "Research", "Storefront", "Claims", "Archive"];
const STAGES = ["dev", "test", "prod"];

const NOTHING = { role: "missing", connection: "missing" };
const GONE = `/subscriptions/${guid(99)}`;
const ASSIGNMENT = `${GONE}/providers/Microsoft.Authorization/roleAssignments/${guid(98)}`;

/** One subscription; what state it is in depends on its number alone. */
const scope = (number) => {
  const group = ["corp", "online", "corp", "connectivity", "sandbox"][number % 5];
  const base = {
    scope: `/subscriptions/${guid(number)}`,
    name: `${TEAMS[number % 10]} ${STAGES[number % 3]} ${String(number).padStart(4, "0")}`,
    group, state: "Enabled", offer: "PayAsYouGo_2014-09-01", firstSeen: ago(100000), changed: ago(60 * (number % 900) + 7),
  };
  if (group === "sandbox") return { ...base, ...NOTHING, verdict: "excluded", why: 'policy.exclude {"group": "sandbox"}' };
  if (number % 97 === 1) {
    const failed = { connection: "failed", cause: "missing-permissions", verdict: "failed", why: "ISPM's test of the connection failed" };
    return { ...base, role: "inherited", roleAt: groupScope("landing"), ...failed };
  }
  if (number % 41 === 2) return { ...base, changed: undefined, ...NOTHING, verdict: "missing", why: "Reader is missing" };
  if (number % 53 === 3) {
    return { ...base, state: "Warned", role: "direct", connection: "pending", verdict: "pending", why: "ISPM has not tested it yet" };
  }
  return number % 3 ? { ...base, role: "inherited", roleAt: groupScope(group), connection: "connected", verdict: "covered" }
    : { ...base, role: "direct", connection: "connected", verdict: "covered" };
};

export const estate = (count, minutes = 12) => {
  const scopes = Array.from({ length: count }, (_, number) => scope(number));
  return {
    version: 1, tenantId: TENANT, at: ago(minutes), totals: counted(scopes), groups: GROUPS, scopes,
    connections: [
      { id: "c-7f31", name: "azure-landing-zones", status: "connected", since: ago(90000) },
      { id: "c-91aa", name: "azure-payments", status: "failed", cause: "missing-permissions", since: ago(300) },
      { id: "c-b002", name: "azure-online", status: "awaiting-console", since: ago(45) },
      { id: "c-b003", name: "azure-later", status: "being-moved" },
    ],
    orphans: [
      { kind: "role-assignment", id: ASSIGNMENT, scope: GONE, ours: true, why: "the subscription is gone" },
      { kind: "connection", id: "c-0001", ours: false, why: "no subscription is left that it reads" },
    ],
    notes: ["7 subscriptions under Corp are onboarded one by one; Reader at the group would cover them all, and those that come."],
  };
};

export const EVIL = '</script><script>window.hit = 1</script><!--<img src=x onerror="window.hit = 1"><style>*{display:none}</style>\'"&';
export const TURNED = "safe\u202egnp.exe\u2066\u0007\u0000end";
export const LONG = "w".repeat(500);

/** Whatever a person may call things, and whatever else may stand in a report. */
export const hostile = () => {
  const base = { group: "evil", state: EVIL, role: "direct", connection: "connected", verdict: "covered", changed: ago(60) };
  const scopes = [
    { ...base, scope: `/subscriptions/${guid(1)}`, name: EVIL, why: EVIL, cause: EVIL },
    { ...base, scope: `/subscriptions/${guid(2)}`, name: TURNED, verdict: "failed", role: "inherited", roleAt: groupScope("evil") },
    { ...base, scope: `/subscriptions/${guid(3)}`, name: LONG, why: LONG, verdict: "missing" },
    { ...base, scope: `/subscriptions/${guid(4)}`, name: "مبيعات الإنتاج", verdict: "pending" },
    { ...base, scope: `/subscriptions/${guid(5)}`, name: "", group: undefined, verdict: "excluded" },
    { ...base, scope: `/subscriptions/${guid(6)}`, name: "Of a later version", connection: EVIL, role: "seen-elsewhere" },
  ];
  return {
    ...estate(0), totals: counted(scopes), scopes, notes: [EVIL, LONG],
    groups: { evil: { name: EVIL, parent: "long" }, long: { name: LONG, parent: "evil" } },
    connections: [{ id: EVIL, name: LONG, status: EVIL, cause: EVIL }],
    orphans: [{ kind: EVIL, id: LONG, scope: EVIL, why: EVIL }],
  };
};
