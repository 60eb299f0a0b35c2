"""A job market that pays against proofs: order, bid, prove, be paid; cheat or be late, and lose.

Everything happens on a chain inside this process. With the URL of a development node (anvil) it
happens there.

Run: python examples/04_job_market.py [URL]
"""

import sys

import torch
from eth_account import Account

import verifai
from verifai.market import Market, Models, Role, Share
from verifai.market.order import input_words

ETHER = 10**18


def main(url: str | None = None) -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    typical = torch.rand(16, 1, 8)
    model = verifai.export(module, (typical[0],))
    pk, vk = verifai.setup(verifai.compile(model, calibration=typical))

    with verifai.chain.connect(url) as chain:
        contracts = chain.deploy()
        circuit = chain.register_circuit(vk)  # whoever holds the key can make the same identifier
        names = ("client", "honest", "late", "author", "labeller")
        accounts = {name: Account.create() for name in names}
        people = {name: chain.signed_by(account) for name, account in accounts.items()}
        for account in accounts.values():
            chain.send_coins(account.address, 10 * ETHER)
        market = {name: Market(people[name], contracts.market) for name in names[:3]}

        # the model's author and whoever labelled the data share what it earns
        shares = [
            Share(accounts["author"].address, 7_000, Role.MODEL),
            Share(accounts["labeller"].address, 3_000, Role.DATA),
        ]
        models = Models(people["author"], contracts.models)
        number = models.register_model(vk, shares, licence="Apache-2.0", royalty=1_000)

        for name in ("honest", "late"):
            market[name].register_provider(f"https://{name}.example", deposit=2 * ETHER)

        def order(wanted: torch.Tensor) -> int:
            """The client posts a job for one input, in clear."""
            words = input_words(vk, wanted)
            terms = market["client"].terms(
                circuit,
                words,
                budget=ETHER,
                collateral=ETHER,
                model_id=number,
                royalty=1_000,
                proving_seconds=60,
            )
            job = market["client"].post(terms, words).job
            assert job is not None
            return job

        # 1. the honest provider looks, bids, is chosen, proves, is paid
        job = order(typical[0])
        market["honest"].check_job(market["honest"].job(job), pk, typical[0])
        bid = market["honest"].bid(market["honest"].job(job), ETHER // 2, 3600)
        market["client"].lease(market["client"].job(job), bid)
        leased = market["honest"].job(job)
        proof, paid = market["honest"].prove_and_claim(leased, pk, typical[0])
        assert market["honest"].owed() == leased.pay == ETHER // 2 * 9 // 10
        print(f"proved and paid: {paid.gas_used:,} gas, {leased.pay / ETHER} coins")
        market["honest"].withdraw()
        market["author"] = Market(people["author"], contracts.market)
        market["author"].pay_royalty(number)
        for index, share in enumerate(shares):
            models.collect(number, shares, index)
            print(f"{share.role.name.lower()} gets {share.basis_points / 100:.0f} % of the royalty")

        # 2. the other one accepts a second job and hands in what proves something else
        job = order(typical[1])
        bid = market["late"].bid(market["late"].job(job), ETHER // 4, 3600)
        market["client"].lease(market["client"].job(job), bid)
        leased = market["late"].job(job)
        market["late"].accept(leased, pk, typical[1])
        context = market["late"].context(leased)
        mine = verifai.prove(pk, typical[1], context=context)
        damaged = bytearray(mine.argument)
        damaged[1000] ^= 1
        attempts = {
            "a proof that was changed": verifai.Proof.of(mine.statement, bytes(damaged)),
            "another provider's proof": proof,
            "another input's proof": verifai.prove(pk, typical[0], context=context),
        }
        for what, attempt in attempts.items():
            try:  # past the client's own check: the contract decides
                market["late"].claim(leased, attempt, vk, check=False)
            except verifai.ChainRejectedError as error:
                print(f"{what} is refused: {error.details['reason']}")
            else:
                raise AssertionError(f"{what} was paid")
        assert market["late"].owed() == 0

        # 3. its time runs out: the client has its budget back, the provider loses its collateral
        chain.advance(61)
        before = market["late"].stake()
        market["client"].expire(market["client"].job(job))
        after = market["late"].stake()
        lost = (before.available + before.locked - after.available - after.locked) / ETHER
        assert lost == 1
        print(f"late: {lost} coins of collateral are gone")

        # 4. an auditor finds everything in events, and verifies it offline
        auditor = Market(chain, contracts.market)
        for found in auditor.jobs():
            print("job", str(found.id)[:8], found.state.name.lower())
        completed = list(auditor.proofs(vk))
        assert [found.provider for found in completed] == [accounts["honest"].address]
        for found in completed:
            statement = verifai.verify(found.proof, vk, context=found.context)
            print("verified offline:", statement.output.values.round(3))


if __name__ == "__main__":
    main(*sys.argv[1:2])
