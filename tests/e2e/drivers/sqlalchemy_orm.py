"""SQLAlchemy's tables and sessions over psycopg2, and Alembic's operations, with more connections than servers."""

import concurrent.futures
import sys

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()


class Account(Base):
    __tablename__ = "account"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String, unique=True, nullable=False)
    entries = relationship("Entry", back_populates="account")


class Entry(Base):
    __tablename__ = "entry"
    id = sa.Column(sa.Integer, primary_key=True)
    account_id = sa.Column(sa.ForeignKey("account.id"))
    amount = sa.Column(sa.Numeric(10, 2), nullable=False)
    account = relationship("Account", back_populates="entries")


engine = sa.create_engine(f"postgresql+psycopg2://app@127.0.0.1:{sys.argv[1]}/{sys.argv[2]}?sslmode=disable", pool_size=10,
                          max_overflow=5)


def work(who):
    """An account whose entries sum up, one entry rolled back."""
    with Session(engine) as session:
        account = Account(name=f"account{who}", entries=[Entry(amount=who), Entry(amount="0.25")])
        session.add(account)
        session.commit()
        with session.begin_nested() as nested:
            session.add(Entry(account=account, amount=1000))
            session.flush()
            nested.rollback()
        session.rollback()
        total = session.query(sa.func.sum(Entry.amount)).filter_by(account_id=account.id).scalar()
        assert session.execute(sa.text("show transaction_isolation")).scalar() == "read committed"
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as conn:
        assert conn.execute(sa.text("show transaction_isolation")).scalar() == "serializable"
    return float(total) - who


Base.metadata.create_all(engine)
with concurrent.futures.ThreadPoolExecutor(12) as crew:
    assert set(crew.map(work, range(24))) == {0.25}
with engine.begin() as conn:
    op = Operations(MigrationContext.configure(conn))
    op.add_column("account", sa.Column("note", sa.Text, server_default="new"))
    op.create_index("entry_amount", "entry", ["amount"])
    op.alter_column("entry", "amount", type_=sa.Numeric(12, 3))
assert {c["name"] for c in sa.inspect(engine).get_columns("account")} == {"id", "name", "note"}
assert [i["name"] for i in sa.inspect(engine).get_indexes("entry")] == ["entry_amount"]
with engine.connect() as conn:
    assert conn.execute(sa.text("select count(*), min(note) from account")).one() == (24, "new")
Base.metadata.drop_all(engine)
assert sa.inspect(engine).get_table_names() == []
print("all is well")
